import { type BertConfig, type Checkpoint, encode, initWeights, layerSizes, parseConfig } from "@pruning-bias/model";
import { fromNnPruning, initialScores, prunedCheckpoint, scoreLayout } from "@pruning-bias/pruning";
import { compiler, generator, ndarray, type tf } from "@pruning-bias/runtime";
import type { Flags } from "./flags.ts";
import { median, round } from "./measure.ts";

/**
 * What removing heads or neurons gains: the forward pass of a compact encoder beside the dense one, run in turn, at a
 * quarter, a half and three quarters of the heads, or of the neurons, of every layer; and its products counted.
 */
export async function compact(flags: Flags) {
  const [batch, seq, steps, threads] = [flags.batch, flags.seq, flags.steps, flags.threads].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 30_522, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 },
    ...{ intermediate_size: 3072, max_position_embeddings: 512 },
  });
  const checkpoint = { config, weights: initWeights(config, { seed: 1, head: "none" }) };
  const inputs = {
    inputIds: ndarray(
      Int32Array.from({ length: batch * seq }, (_, i) => 1000 + ((i * 7919) % 20_000)),
      [batch, seq],
    ),
    attentionMask: ndarray(new Int32Array(batch * seq).fill(1), [batch, seq]),
  };
  const dense = await forward(checkpoint, inputs, threads);
  const result: Record<string, number> = {};
  for (const part of ["heads", "neurons"] as const) {
    for (const share of [0.25, 0.5, 0.75]) {
      const small = await pruned(checkpoint, part, share);
      const own = await forward(small, inputs, threads);
      const [slow, fast]: [number[], number[]] = [[], []];
      for (let i = 0; i < steps; i++) {
        slow.push(await dense.seconds());
        fast.push(await own.seconds());
      }
      await own.dispose();
      const speedUp = median(slow) / median(fast);
      const reduction = flops(config, batch, seq) / flops(small.config, batch, seq);
      const name = `${part}_${share * 100}`;
      result[`${name}_dense_seconds`] = round(median(slow));
      result[`${name}_compact_seconds`] = round(median(fast));
      result[`${name}_speed_up`] = round(speedUp, 3);
      result[`${name}_flop_reduction`] = round(reduction, 3);
      result[`${name}_share_gained`] = round(speedUp / reduction, 3);
    }
  }
  await dense.dispose();
  return result;
}

type Inputs = Record<"inputIds" | "attentionMask", ReturnType<typeof ndarray>>;

/** The compiled forward pass of an encoder, warm. */
async function forward({ config, weights }: Checkpoint, inputs: Inputs, threads: number) {
  type Given = { weights: Record<string, tf.Tensor> } & Record<keyof Inputs, tf.Tensor2D>;
  const run = compiler({ threads })(({ weights, ...batch }: Given) => ({
    last: encode(config, weights, batch).at(-1)!,
  }));
  const seconds = async () => {
    const start = performance.now();
    await run({ weights, ...inputs });
    return (performance.now() - start) / 1000;
  };
  await seconds();
  await seconds();
  return { seconds, dispose: () => run.dispose() };
}

/** The model without that share of the heads, or of the neurons, of every layer, drawn by lot. */
async function pruned(checkpoint: Checkpoint, part: "heads" | "neurons", share: number): Promise<Checkpoint> {
  const { config } = checkpoint;
  const settings = fromNnPruning({
    attention_block_rows: config.hidden_size / config.num_attention_heads,
    attention_block_cols: config.hidden_size,
  });
  const layout = scoreLayout(config, settings);
  const scores = initialScores(layout);
  const { shuffle } = generator(1);
  const ending = part === "heads" ? /self\.value\..*mask_scores$/ : /intermediate\..*mask_scores$/;
  for (const { name } of layout.scores.filter(({ name }) => ending.test(name))) {
    const { data } = scores[name]!;
    const order = shuffle(Int32Array.from(data.keys()));
    for (const index of order.subarray(0, Math.round(share * data.length))) data[index] = -9;
  }
  return (await prunedCheckpoint(checkpoint, { layout, scores, threshold: 0.1 }, "compact")).checkpoint;
}

/** Multiplications and additions in the products of a forward pass. */
function flops(config: BertConfig, batch: number, seq: number): number {
  const { hidden_size: D, num_hidden_layers: layers } = config;
  const tokens = batch * seq;
  return Array.from({ length: layers }, (_, layer) => layerSizes(config, layer)).reduce((sum, sizes) => {
    const { heads, query_size, value_size, uniform_size, intermediate_size } = sizes;
    const projections = 4 * tokens * D * heads * (query_size + value_size);
    const attention = 2 * batch * heads * seq * seq * (query_size + value_size);
    const uniform = 4 * batch * D * uniform_size + 2 * tokens * D;
    return sum + projections + attention + 4 * tokens * D * intermediate_size + (uniform_size > 0 ? uniform : 0);
  }, 0);
}
