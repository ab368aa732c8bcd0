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
  { inputIds, attentionMask, tokenTypeIds }: Batch,
  options: EncodeOptions = {},
): Encoded {
  const { gates = {}, random, layers = config.num_hidden_layers, from, lastPositions } = options;
  const { outputAttentions = false } = options;
  const [B, S] = inputIds.shape;
  const { hidden_size: D, hidden_dropout_prob, attention_probs_dropout_prob } = config;
  const family = familyOf(config);
  const activation = activations[config.hidden_act];
  check("tokens", S, maxTokens(config));
  check("layers", layers, config.num_hidden_layers);
  check("layers to go on from", from?.layer ?? 0, layers);
  for (const [name, ids] of Object.entries({ attentionMask, tokenTypeIds })) {
    if (ids !== undefined && ids.shape.join() !== inputIds.shape.join())
      throw new RangeError(`encode: expected ${name} [${B}, ${S}], as the ids are, got [${ids.shape.join(", ")}]`);
  }
  const other = Object.keys(gates).find((module) => weights[`${module}.weight`] === undefined);
  if (other !== undefined) throw new Error(`encode: expected gates of modules with weights, got ${other}`);

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
    const words = options.words ?? lookup(table("word"), flat(inputIds), config.pad_token_id); // [batch·length, E]
    const tokens = family.segments ? tf.add(words, segments(table("token_type"), tokenTypeIds)) : words;
    const E = embeddingSize(config);
    const positions =
      family.positions === "by index"
        ? tf.reshape(tf.slice(table("position"), [0, 0], [S, E]), [1, S, E])
        : tf.reshape(countedPositions(table("position"), inputIds, config.pad_token_id!), [B, S, E]);
    const embedded = tf.reshape(tf.add(tf.reshape(tokens, [B, S, E]), positions), [B * S, E]);
    const normed = dropout(norm(embedded as tf.Tensor2D, "embeddings.LayerNorm"));
    return projectsEmbeddings(config) ? dense(normed, "embeddings_project") : normed;
  };
  let x: tf.Tensor2D = from === undefined ? embed() : tf.reshape(from.hidden, [B * S, D]); // [batch·length, hidden]

  /** Heads that attend to all real tokens alike: O(V·mean(x) + b) for the whole sentence, [batch·length, hidden] → [batch·Q, hidden]. */
  const uniform = (x: tf.Tensor2D, own: tf.Tensor2D, real: tf.Tensor2D, module: string): tf.Tensor2D => {
    const [B] = real.shape;
    const shares = tf.div(real, tf.maximum(tf.sum(real, 1, true), 1));
    const mean = tf.reshape(tf.matMul(tf.reshape(shares, [B, 1, S]), tf.reshape(x, [B, S, D])), [B, D]);
    const output = tf.matMul(dense(mean as tf.Tensor2D, `${module}.value`), at(`${module}.output.weight`), false, true);
    const tokens = tf.broadcastTo(tf.reshape(output, [B, 1, D]), [B, own.shape[0] / B, D]);
    return tf.reshape(tokens, own.shape);
  };

  // 0 where a token may be attended to, else so low that its probability is 0.
  const biasOf = (real: tf.Tensor2D) => tf.reshape(tf.mul(tf.sub(1, real), -1e9), [real.shape[0], 1, 1, S]);
  let real = tf.cast<tf.Tensor2D>(attentionMask, "float32"); // [batch, length]
  let bias = biasOf(real);
  const states: tf.Tensor3D[] = [tf.reshape(x, [B, S, D])];
  const attentions: tf.Tensor4D[] = [];
  for (let layer = from?.layer ?? 0; layer < layers; layer++) {
    const set = weightSet(config, layer);
    const name = `encoder.layer.${set}`;
    const [B] = real.shape; // above V gates, V times as many as at first
    // [batch·Q, hidden]: the tokens that this layer is computed at, Q = length or K. All can be attended to.
    const read = layer === layers - 1 ? lastPositions : undefined;
    const own = read === undefined ? x : tokensAt(x, repeated(read, B));
    const Q = own.shape[0] / B;

    // Self-attention: softmax(q kᵀ/√d + bias) v in h heads side by side; as many as the config says but in a compact layer.
    const { heads: h, uniform_size, intermediate_size } = layerSizes(config, set);
    const heads = (x: tf.Tensor2D) =>
      tf.transpose<tf.Tensor4D>(tf.reshape(x, [B, x.shape[0] / B, h, x.shape[1] / h]), [0, 2, 1, 3]); // (B, h, ·, d)
    let context: tf.Tensor2D | undefined;
    if (h > 0) {
      const q = heads(dense(own, `${name}.attention.self.query`));
      const k = heads(dense(x, `${name}.attention.self.key`));
      const v = heads(dense(x, `${name}.attention.self.value`));
      if (outputAttentions) attentions.push(attentionProbabilities(q, k, bias)); // (B, h, Q, S)
      const mask = random?.dropoutMask([B, h, Q, S], attention_probs_dropout_prob);
      const values = attention(q, k, v, { bias, mask }); // (B, h, Q, d)
      context = tf.reshape(tf.transpose(values, [0, 2, 1, 3]), [own.shape[0], h * v.shape[3]]); // (B·Q, h·d)
    }
    let attended = denseOrBias(context, own, `${name}.attention.output.dense`); // [V·batch·Q, hidden]
    const rows = attended.shape[0];
    if (uniform_size > 0) {
      attended = tf.add(attended, repeated(uniform(x, own, real, `${name}.attention.uniform`), rows));
    }
    const kept = family.residualDropout.attention ? dropout(attended) : attended;
    x = norm(tf.add(repeated(own, rows), kept), `${name}.attention.output.LayerNorm`);

    // Feed-forward network.
    const inner = intermediate_size > 0 ? activation(dense(x, `${name}.intermediate.dense`)) : undefined; // [V·batch·Q, F]
    const outer = denseOrBias(inner, x, `${name}.output.dense`); // [V·batch·Q, hidden]
    const added = family.residualDropout.feedForward ? dropout(outer) : outer;
    x = norm(tf.add(x, added), `${name}.output.LayerNorm`);
    states.push(tf.reshape(x, [rows / Q, Q, D]));
    if (rows > B * Q) bias = biasOf((real = repeated(real, rows / Q)));
  }
  return { hiddenStates: states, attentions };
}

/** x [N, ·], repeated as a whole until it has so many rows. */
function repeated(x: tf.Tensor2D, rows: number): tf.Tensor2D {
  const [N, columns] = x.shape;
  if (rows === N) return x;
  const times = rows / N;
  return tf.reshape(tf.broadcastTo(tf.reshape(x, [1, N, columns]), [times, N, columns]), [rows, columns]);
}

/** Embeddings of the segments that tokens are in: table [T, E] → [batch·length, E], or [1, E] where all are in the first. */
const segments = (table: tf.Tensor2D, tokenTypeIds: tf.Tensor2D | undefined): tf.Tensor2D =>
  tokenTypeIds === undefined || table.shape[0] === 1
    ? tf.slice(table, [0, 0], [1, table.shape[1]])
    : lookup(table, flat(tokenTypeIds));

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
