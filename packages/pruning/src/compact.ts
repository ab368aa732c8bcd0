import { activations, type BertConfig, type Checkpoint } from "@pruning-bias/model";
import { eager, ndarray, type NDArray, type tf } from "@pruning-bias/runtime";
import {
  columnsOf,
  type HostLinear,
  linearOf,
  rowsOf,
  scaled,
  storeLinear,
  withConstant,
  zeroColumn,
  zeroRow,
} from "./host-linear.ts";
import { layerModules, type Role } from "./layers.ts";

/** What compaction did to a set of weights: indices as they were before. */
export interface CompactedLayer {
  /** Heads that add nothing but a constant, which is now in the output's bias. */
  readonly removedHeads: readonly number[];
  /** Heads that attend to all tokens alike, since their query or key is dead: now one mean for the whole sentence. */
  readonly uniformHeads: readonly number[];
  /** Heads that are left, in their order. */
  readonly keptHeads: readonly number[];
  /** Width of a kept head's queries and keys. */
  readonly querySize: number;
  /** Width of a kept head's values. */
  readonly valueSize: number;
  /** Values of the uniform heads together. */
  readonly uniformSize: number;
  /** Neurons of the feed-forward network that are left. */
  readonly neurons: number;
}

/** A model of the same function with less in it. */
export interface Compacted {
  /** The model, whose config has `compact_layers`. */
  readonly checkpoint: Checkpoint;
  /** What was done to each set of weights. */
  readonly layers: readonly CompactedLayer[];
}

/**
 * Removes what does not change the function of a model, read off the zeros of its weights (those that `denseWeights`
 * leaves), layer by layer:
 * - dimension i of a head's query and key, where row i of Q is zero with its bias, or row i of K is zero: q_i·k_i is then
 *   the same for every key, which a softmax does not see;
 * - dimension i of its value, where row i of V or column i of O is zero: attention adds up to 1, so a bias of V alone is a
 *   constant and goes into O's bias;
 * - neuron i of the feed-forward network, where its row or its column is zero; its constant act(b_i) likewise.
 *
 * A head without values is gone. One without queries or keys, but with values, attends to all real tokens alike: O·(V·mean(x)
 * + b), computed once a sentence. Kept heads of a layer are as wide as the widest of them, with queries scaled as if they
 * were as wide as before. The config gets `compact_layers`, which `encode`, `loadCheckpoint` and `saveCheckpoint` know.
 *
 * @throws Error where the model is compact already
 */
export async function compactCheckpoint({ config, weights, ...rest }: Checkpoint): Promise<Compacted> {
  if (config.compact_layers !== undefined) {
    throw new Error("compact: expected a model with all its heads and neurons, got one that is compact");
  }
  const compact: Record<string, NDArray> = { ...weights };
  const layers: CompactedLayer[] = [];
  for (const modules of layerModules(config)) {
    const parts = Object.fromEntries(
      Object.entries(modules).map(([role, name]) => [role, linearOf(weights, name)]),
    ) as Record<Role, HostLinear>;
    const attention = compactAttention(parts, config.num_attention_heads);
    const network = await compactNetwork(parts, config);
    layers.push({ ...attention.report, neurons: network.neurons });
    const prefix = modules.query.replace(/self\.query$/, "uniform");
    const { query, key, value, output, uniformValue, uniformOutput } = attention.parts;
    storeLinear(compact, modules.query, query);
    storeLinear(compact, modules.key, key);
    storeLinear(compact, modules.value, value);
    storeLinear(compact, modules.output, output);
    storeLinear(compact, `${prefix}.value`, uniformValue);
    storeLinear(compact, `${prefix}.output`, uniformOutput);
    storeLinear(compact, modules.intermediate, network.intermediate);
    storeLinear(compact, modules.ffnOutput, network.output);
  }
  const compact_layers = layers.map(({ keptHeads, querySize, valueSize, uniformSize, neurons }) => ({
    heads: keptHeads.length,
    query_size: querySize,
    value_size: valueSize,
    uniform_size: uniformSize,
    intermediate_size: neurons,
  }));
  return { checkpoint: { ...rest, config: { ...config, compact_layers }, weights: compact }, layers };
}

function compactAttention({ query, key, value, output }: Record<Role, HostLinear>, heads: number) {
  const size = query.outputs / heads;
  const all = Array.from({ length: heads }, (_, head) => Array.from({ length: size }, (_, i) => head * size + i));
  const live = (head: number) => ({
    compared: all[head]!.filter((i) => !(zeroRow(query, i) && query.bias?.[i] === 0) && !zeroRow(key, i)),
    passed: all[head]!.filter((i) => !zeroRow(value, i) && !zeroColumn(output, i)),
  });
  const parts = all.map((_, head) => live(head));
  const removedHeads = indices(parts, ({ passed }) => passed.length === 0);
  const uniformHeads = indices(parts, ({ compared, passed }) => passed.length > 0 && compared.length === 0);
  const keptHeads = indices(parts, ({ compared, passed }) => passed.length > 0 && compared.length > 0);
  const kept = keptHeads.map((head) => parts[head]!);
  const querySize = Math.max(0, ...kept.map(({ compared }) => compared.length));
  const valueSize = Math.max(0, ...kept.map(({ passed }) => passed.length));
  const compared = kept.flatMap((head) => filled(head.compared, querySize));
  const passed = kept.flatMap((head) => filled(head.passed, valueSize));
  const uniform = uniformHeads.flatMap((head) => parts[head]!.passed);

  // Values that are a bias alone, of all heads: attention adds up to 1.
  const constant = Float64Array.from({ length: value.outputs }, (_, i) =>
    zeroRow(value, i) ? (value.bias?.[i] ?? 0) : 0,
  );
  return {
    report: { removedHeads, uniformHeads, keptHeads, querySize, valueSize, uniformSize: uniform.length },
    parts: {
      // Attention divides by the root of the width it finds.
      query: scaled(rowsOf(query, compared), Math.sqrt(querySize / size)),
      key: rowsOf(key, compared),
      value: rowsOf(value, passed),
      output: withConstant(columnsOf(output, passed), output, constant),
      uniformValue: rowsOf(value, uniform),
      uniformOutput: { ...columnsOf(output, uniform), bias: undefined },
    },
  };
}

async function compactNetwork({ intermediate, ffnOutput }: Record<Role, HostLinear>, { hidden_act }: BertConfig) {
  const bias = ndarray(Float32Array.from({ length: intermediate.outputs }, (_, i) => intermediate.bias?.[i] ?? 0));
  const activated = await eager(({ x }: { x: tf.Tensor2D }) => ({ y: activations[hidden_act](x) }))({
    x: ndarray(bias.data, [1, bias.data.length]),
  });
  const kept = indices(bias.data, (_, i) => !zeroRow(intermediate, i) && !zeroColumn(ffnOutput, i));
  const constant = Float64Array.from(activated.y.data, (value, i) => (zeroRow(intermediate, i) ? value : 0));
  return {
    neurons: kept.length,
    intermediate: rowsOf(intermediate, kept),
    output: withConstant(columnsOf(ffnOutput, kept), ffnOutput, constant),
  };
}

/** Indices filled up with −1, which stand for zeros. */
const filled = (indices: readonly number[], size: number): number[] =>
  Array.from({ length: size }, (_, i) => indices[i] ?? -1);

function indices<T>(items: ArrayLike<T>, test: (item: T, index: number) => boolean): number[] {
  return Array.from(items).flatMap((item, index) => (test(item, index) ? [index] : []));
}
