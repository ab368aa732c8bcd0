import { attention, attentionProbabilities, layerNorm, type Random, tf } from "@pruning-bias/runtime";
import { activations } from "./activations.ts";
import { type BertConfig, embeddingSize, layerSizes, maxTokens, projectsEmbeddings, weightSet } from "./config.ts";
import { lookup } from "./embedding.ts";
import { familyOf } from "./families.ts";
import { type Gate, linear } from "./linear.ts";
import { parameter, type Weights } from "./weights.ts";

/** A batch of sentences, all int32. */
export interface Batch {
  /** [batch, length]: token ids, below the config's `vocab_size`. */
  inputIds: tf.Tensor2D;
  /** [batch, length]: 1 for real tokens, 0 for padding. */
  attentionMask: tf.Tensor2D;
  /** [batch, length]: which segment each token is in; all in segment 0 where absent. */
  tokenTypeIds?: tf.Tensor2D | undefined;
}

/**
 * Gates by module, such as `encoder.layer.0.attention.self.value`. The columns of an `attention.output.dense` may be V gates
 * at once, [V, g]: what is below them is computed once, what is above for V·batch sentences.
 */
export type Gates = Readonly<Record<string, Gate>>;

/** How an encoder runs: gates, dropout, and which of its layers. */
export interface EncodeOptions {
  /** Gates by module; none by default. */
  gates?: Gates;
  /** Dropout as the config says, which is training mode; without it, eval mode. */
  random?: Random | undefined;
  /**
   * Rows of the word embeddings, [batch·length, E], looked up already: for whoever wants their gradient and not the whole
   * table's. Looked up by default.
   */
  words?: tf.Tensor2D | undefined;
  /** How many layers to compute; all by default. */
  layers?: number;
  /**
   * Hidden states [batch, length, hidden] after so many layers: goes on from there, and they are the first that are returned.
   * From the embeddings by default.
   */
  from?: { layer: number; hidden: tf.Tensor3D };
  /** Positions [batch, K], int32, at which the last of these layers is computed: where only they are read. All by default. */
  lastPositions?: tf.Tensor2D;
  /** Also give the attention probabilities; `false` by default. */
  outputAttentions?: boolean;
}

/** What an encoder computes of a batch. At padding, these are numbers without meaning. */
export interface Encoded {
  /**
   * [0] after the embeddings, [l] after layer l, each [batch, length, hidden]; the last layer's [batch, K, hidden] with
   * `lastPositions`. Above V gates [V·batch, ·, hidden], gate by gate.
   */
  readonly hiddenStates: tf.Tensor3D[];
  /**
   * Which share each token has in each other, after the softmax and before dropout: [l−1] of layer l, [batch, heads, length,
   * length], the last [batch, heads, K, length]. None unless asked for. Of compact layers, the heads that are left; layers
   * without any are passed over.
   */
  readonly attentions: tf.Tensor4D[];
}

/** The hidden states alone, each [batch, length, hidden]: see `forward`. */
export const encode = (...inputs: Parameters<typeof forward>): tf.Tensor3D[] => forward(...inputs).hiddenStates;

/**
 * BERT (Devlin et al. 2019) and what became of it: DistilBERT (Sanh et al. 2019), RoBERTa (Liu et al. 2019), ALBERT (Lan
 * et al. 2020), ELECTRA (Clark et al. 2020). How each differs is said in `families.ts`. Ids are [batch, length], hidden states
 * [batch, length, hidden].
 *
 * @throws RangeError for more tokens than there are positions, more layers than the model has, or a mask of another shape than
 *   the ids; Error for a weight that is missing, or gates of what is no module
 */
export function forward(
  config: BertConfig,
  weights: Weights,
  batch: Batch,
  { lastPositions, ...options }: EncodeOptions = {},
): Encoded {
  return forwardEach(config, weights, [batch], { ...options, lastPositions: lastPositions && [lastPositions] })[0]!;
}

/** How batches of several lengths run: `words` are those of all batches, one after the other. */
export interface EncodeEachOptions extends Omit<EncodeOptions, "lastPositions" | "from"> {
  /** Positions [batch, K] for each of the batches, as in `encode`; of all by default. */
  lastPositions?: readonly tf.Tensor2D[] | undefined;
}

/**
 * The hidden states [batch, length, hidden] of several batches, each of a length of its own, without padding them to one:
 * sentences attend within their batch, and all else is computed on the tokens of all batches at once. The same as `encode` of
 * each, but for the order of noise.
 *
 * @throws what `forward` throws; RangeError for gates of several sub-networks above more than one batch
 */
export const encodeEach = (...inputs: Parameters<typeof forwardEach>): tf.Tensor3D[][] =>
  forwardEach(...inputs).map(({ hiddenStates }) => hiddenStates);

/** Sentences of one length, and how they are attended to. */
interface Part {
  /** Sentences; above V gates, V times as many as at first. */
  readonly B: number;
  /** Tokens of each. */
  readonly S: number;
  /** [B, S]: 1 for real tokens, 0 for padding. */
  readonly real: tf.Tensor2D;
  /** [B, 1, 1, S]: 0 where a token may be attended to, else so low that its probability is 0. */
  readonly bias: tf.Tensor;
}

function forwardEach(
  config: BertConfig,
  weights: Weights,
  batches: readonly Batch[],
  options: EncodeEachOptions & Pick<EncodeOptions, "from"> = {},
): Encoded[] {
  const { gates = {}, random, layers = config.num_hidden_layers, from, lastPositions } = options;
  const { outputAttentions = false } = options;
  const { hidden_size: D, hidden_dropout_prob, attention_probs_dropout_prob } = config;
  const family = familyOf(config);
  const activation = activations[config.hidden_act];
  if (batches.length === 0) throw new RangeError("encode: expected a batch or more, got none");
  for (const batch of batches) checkBatch(config, batch);
  check("layers", layers, config.num_hidden_layers);
  check("layers to go on from", from?.layer ?? 0, layers);
  checkGates(weights, gates, batches.length);

  const at = <T extends tf.Tensor>(name: string): T => parameter<T>(weights, name);
  const dense = (x: tf.Tensor2D, module: string) =>
    linear(x, at(`${module}.weight`), at(`${module}.bias`), gates[module]);
  const norm = (x: tf.Tensor2D, module: string) =>
    layerNorm(x, at(`${module}.weight`), at(`${module}.bias`), config.layer_norm_eps);
  const dropout = (x: tf.Tensor2D) => random?.dropout(x, hidden_dropout_prob) ?? x;
  /** y = x Wᵀ + b, or b alone in a compact layer that has lost W. */
  const denseOrBias = (x: tf.Tensor2D | undefined, like: tf.Tensor2D, module: string): tf.Tensor2D =>
    x === undefined ? tf.add(tf.zerosLike(like), at(`${module}.bias`)) : dense(x, module);

  // Embeddings: word + segment + position, E wide.
  const embed = (): tf.Tensor2D => {
    const table = (kind: string) => at<tf.Tensor2D>(`embeddings.${kind}_embeddings.weight`); // [·, E]
    const ids = joined(batches.map(({ inputIds }) => flat(inputIds)));
    const words = options.words ?? lookup(table("word"), ids, config.pad_token_id); // [tokens, E]
    const tokens = family.segments ? tf.add(words, segments(table("token_type"), batches)) : words;
    const E = embeddingSize(config);
    const counts = batches.map(({ inputIds }) => inputIds.size);
    const embedded = split(tokens as tf.Tensor2D, counts).map((own, n) => {
      const { inputIds } = batches[n]!;
      const [B, S] = inputIds.shape;
      const positions =
        family.positions === "by index"
          ? tf.reshape(tf.slice(table("position"), [0, 0], [S, E]), [1, S, E])
          : tf.reshape(countedPositions(table("position"), inputIds, config.pad_token_id!), [B, S, E]);
      return tf.reshape(tf.add(tf.reshape(own, [B, S, E]), positions), [B * S, E]) as tf.Tensor2D;
    });
    const normed = dropout(norm(joined(embedded), "embeddings.LayerNorm"));
    return projectsEmbeddings(config) ? dense(normed, "embeddings_project") : normed;
  };
  let parts = batches.map(({ inputIds: { shape }, attentionMask }): Part => {
    const real = tf.cast<tf.Tensor2D>(attentionMask, "float32");
    return { B: shape[0], S: shape[1], real, bias: biasOf(real) };
  });
  // [tokens, hidden]: sentence after sentence, batch after batch.
  let x: tf.Tensor2D = from === undefined ? embed() : tf.reshape(from.hidden, [-1, D]);

  /** Heads that attend to all real tokens alike: O(V·mean(x) + b) for the whole sentence, [B·S, hidden] → [B·Q, hidden]. */
  const uniform = (x: tf.Tensor2D, { B, S, real }: Part, Q: number, module: string): tf.Tensor2D => {
    const shares = tf.div(real, tf.maximum(tf.sum(real, 1, true), 1));
    const mean = tf.reshape(tf.matMul(tf.reshape(shares, [B, 1, S]), tf.reshape(x, [B, S, D])), [B, D]);
    const output = tf.matMul(dense(mean as tf.Tensor2D, `${module}.value`), at(`${module}.output.weight`), false, true);
    const tokens = tf.broadcastTo(tf.reshape(output, [B, 1, D]), [B, Q, D]);
    return tf.reshape(tokens, [B * Q, D]);
  };

  const states = split(x, sizesOf(parts)).map((x, n) => [tf.reshape(x, [parts[n]!.B, parts[n]!.S, D]) as tf.Tensor3D]);
  const attentions: tf.Tensor4D[][] = parts.map(() => []);
  for (let layer = from?.layer ?? 0; layer < layers; layer++) {
    const set = weightSet(config, layer);
    const name = `encoder.layer.${set}`;
    // [B·Q, hidden] of each part: the tokens that this layer is computed at, Q = S or K. All can be attended to.
    const read = layer === layers - 1 ? lastPositions : undefined;
    const tokens = sizesOf(parts);
    const Q = parts.map(({ S }, n) => read?.[n]!.shape[1] ?? S);
    const asked = parts.map(({ B }, n) => B * Q[n]!);
    const own =
      read === undefined ? x : joined(split(x, tokens).map((x, n) => tokensAt(x, repeated(read[n]!, parts[n]!.B))));

    // Self-attention: softmax(q kᵀ/√d + bias) v in h heads side by side; as many as the config says but in a compact layer.
    const { heads: h, uniform_size, intermediate_size } = layerSizes(config, set);
    let context: tf.Tensor2D | undefined;
    if (h > 0) {
      const heads = (x: tf.Tensor2D, rows: readonly number[], module: string) =>
        split(dense(x, `${name}.attention.self.${module}`), rows).map((x, n) => {
          const { B } = parts[n]!;
          return tf.transpose<tf.Tensor4D>(tf.reshape(x, [B, x.shape[0] / B, h, x.shape[1] / h]), [0, 2, 1, 3]); // (B, h, ·, d)
        });
      const [q, k, v] = [heads(own, asked, "query"), heads(x, tokens, "key"), heads(x, tokens, "value")];
      const contexts = parts.map(({ B, S, bias }, n): tf.Tensor2D => {
        if (outputAttentions) attentions[n]!.push(attentionProbabilities(q[n]!, k[n]!, bias)); // (B, h, Q, S)
        const mask = random?.dropoutMask([B, h, Q[n]!, S], attention_probs_dropout_prob);
        const values = attention(q[n]!, k[n]!, v[n]!, { bias, mask }); // (B, h, Q, d)
        return tf.reshape(tf.transpose(values, [0, 2, 1, 3]), [asked[n]!, h * values.shape[3]]); // (B·Q, h·d)
      });
      context = joined(contexts);
    }
    let attended = denseOrBias(context, own, `${name}.attention.output.dense`); // [V·B·Q, hidden]
    const V = attended.shape[0] / own.shape[0];
    if (uniform_size > 0) {
      const alike = split(x, tokens).map((x, n) => uniform(x, parts[n]!, Q[n]!, `${name}.attention.uniform`));
      attended = tf.add(attended, repeated(joined(alike), attended.shape[0]));
    }
    const kept = family.residualDropout.attention ? dropout(attended) : attended;
    x = norm(tf.add(repeated(own, attended.shape[0]), kept), `${name}.attention.output.LayerNorm`);

    // Feed-forward network.
    const inner = intermediate_size > 0 ? activation(dense(x, `${name}.intermediate.dense`)) : undefined; // [V·B·Q, F]
    const outer = denseOrBias(inner, x, `${name}.output.dense`); // [V·B·Q, hidden]
    const added = family.residualDropout.feedForward ? dropout(outer) : outer;
    x = norm(tf.add(x, added), `${name}.output.LayerNorm`);
    parts = parts.map((part) => aboveGates(part, V));
    const rows = asked.map((count) => V * count);
    for (const [n, own] of split(x, rows).entries()) states[n]!.push(tf.reshape(own, [parts[n]!.B, Q[n]!, D]));
  }
  return states.map((hiddenStates, n) => ({ hiddenStates, attentions: attentions[n]! }));
}

const sizesOf = (parts: readonly Part[]): number[] => parts.map(({ B, S }) => B * S);

const biasOf = (real: tf.Tensor2D): tf.Tensor => {
  const [B, S] = real.shape;
  return tf.reshape(tf.mul(tf.sub(1, real), -1e9), [B, 1, 1, S]);
};

/** Sentences as they are above V gates, gate by gate. */
function aboveGates(part: Part, V: number): Part {
  if (V === 1) return part;
  const real = repeated(part.real, V * part.B);
  return { ...part, B: V * part.B, real, bias: biasOf(real) };
}

/** All rows one after the other. */
const joined = <T extends tf.Tensor>(parts: readonly T[]): T =>
  parts.length === 1 ? parts[0]! : (tf.concat([...parts] as tf.Tensor[], 0) as T);

/** So many rows each, of which there are as many in all. */
const split = (x: tf.Tensor2D, rows: readonly number[]): tf.Tensor2D[] =>
  rows.length === 1 ? [x] : tf.split(x, [...rows], 0);

/** x [N, ·], repeated as a whole until it has so many rows. */
function repeated(x: tf.Tensor2D, rows: number): tf.Tensor2D {
  const [N, columns] = x.shape;
  if (rows === N) return x;
  const times = rows / N;
  return tf.reshape(tf.broadcastTo(tf.reshape(x, [1, N, columns]), [times, N, columns]), [rows, columns]);
}

/** Embeddings of the segments that tokens are in: table [T, E] → [tokens, E], or [1, E] where all are in the first. */
function segments(table: tf.Tensor2D, batches: readonly Batch[]): tf.Tensor2D {
  const none = batches.every(({ tokenTypeIds }) => tokenTypeIds === undefined);
  if (none || table.shape[0] === 1) return tf.slice(table, [0, 0], [1, table.shape[1]]);
  const ids = batches.map(({ inputIds, tokenTypeIds = tf.zerosLike(inputIds) }) => flat(tokenTypeIds));
  return lookup(table, joined(ids));
}

/** RoBERTa's positions: real tokens count from `padding` + 1, padding is at `padding`. Table [P, E] → [batch·length, E]. */
function countedPositions(table: tf.Tensor2D, inputIds: tf.Tensor2D, padding: number): tf.Tensor2D {
  const pad = tf.scalar(padding, "int32");
  const real = tf.cast(tf.notEqual(inputIds, pad), "int32"); // [batch, length]
  return lookup(table, flat(tf.add(tf.mul(tf.cumsum(real, 1), real), pad)), padding);
}

/** The tokens at `positions` [batch, K] of their sentences: [batch·length, hidden] → [batch·K, hidden]. */
function tokensAt(x: tf.Tensor2D, positions: tf.Tensor2D): tf.Tensor2D {
  const [B] = positions.shape;
  const starts = tf.reshape(tf.range(0, x.shape[0], x.shape[0] / B, "int32"), [B, 1]);
  return lookup(x, flat(tf.add(positions, starts)));
}

const flat = (ids: tf.Tensor2D): tf.Tensor1D => tf.reshape(ids, [ids.size]);

function check(what: string, count: number, most: number): void {
  if (!(count <= most && count >= 0 && Number.isInteger(count))) {
    throw new RangeError(`encode: expected at most ${most} ${what}, got ${count}`);
  }
}

function checkBatch(config: BertConfig, { inputIds, attentionMask, tokenTypeIds }: Batch): void {
  const [B, S] = inputIds.shape;
  check("tokens", S, maxTokens(config));
  for (const [name, ids] of Object.entries({ attentionMask, tokenTypeIds })) {
    if (ids !== undefined && ids.shape.join() !== inputIds.shape.join())
      throw new RangeError(`encode: expected ${name} [${B}, ${S}], as the ids are, got [${ids.shape.join(", ")}]`);
  }
}

function checkGates(weights: Weights, gates: Gates, batches: number): void {
  const other = Object.keys(gates).find((module) => weights[`${module}.weight`] === undefined);
  if (other !== undefined) throw new Error(`encode: expected gates of modules with weights, got ${other}`);
  const several = Object.keys(gates).find((module) => {
    const { own, columns } = gates[module]!;
    return own !== undefined || columns?.rank === 2;
  });
  if (several !== undefined && batches > 1) {
    throw new RangeError(`encode: expected one batch under gates of several sub-networks, got ${batches} (${several})`);
  }
}
