import type { Sentences } from "@pruning-bias/data";
import { debiasModes, embeddingLayers, fineprune } from "@pruning-bias/debias";
import type { Checkpoint } from "@pruning-bias/model";
import { fromNnPruning } from "@pruning-bias/pruning";
import { compiler } from "@pruning-bias/runtime";
import { gemm } from "./gemm.ts";
import type { Flags } from "./flags.ts";
import { median, peakMegabytes, round } from "./measure.ts";
import { blockOf, load } from "./model.ts";
import { randomSentences } from "./sentences.ts";

/**
 * Whole fine-pruning steps on random tokens: targets and attributes forward and backward, the original model, the losses,
 * the regulariser and AdamW.
 */
export async function step(flags: Flags) {
  const [batch, seq, steps, threads] = [flags.batch ?? 16, flags.seq, flags.steps, flags.threads].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const checkpoint = await load(flags.model);
  const pruning = fromNnPruning({
    ...blockOf(flags.block, checkpoint.config),
    prune_values_only: flags["values-only"],
    prune_attention_only: flags["values-only"],
  });
  const count = batch * 2;
  const [targets, male, female] = [1, 2, 3].map((seed) =>
    randomSentences({ count, seq: [seq], vocabulary: checkpoint.config.vocab_size, seed }),
  ) as [Sentences, Sentences, Sentences];
  const run = fineprune({
    ...{ checkpoint, pruning, train: { targets, male, female }, batchSize: batch, freezeWeights: !flags.unfrozen },
    ...{ microbatch: flags.microbatch === undefined ? batch : Number(flags.microbatch), staticSentences: batch },
    tokenBudget: Infinity,
    embeddingLayer: embeddingLayers.find((layer) => layer === flags.layer)!,
    debiasMode: debiasModes.find((mode) => mode === flags.mode)!,
    ...{ epochs: steps + 1, limitBatches: 1, maxSteps: steps + 1, jit: compiler({ threads }) },
    // The original model runs in every step, as in the reference, unless asked otherwise.
    originalCache: flags["cached-original"] ? 1e9 : 0,
  });
  const seconds: number[] = [];
  let [start, tokens] = [performance.now(), 0];
  for await (const event of run) {
    if (event.kind === "step") {
      seconds.push((performance.now() - start) / 1000);
      tokens = event.tokens;
    }
    start = performance.now();
  }
  // The first step compiles.
  const [first, ...others] = seconds;
  const middle = median(others);
  const peak = peakMegabytes();
  const products = flopOf(checkpoint.config, {
    tokens: batch * seq,
    seq,
    full: flags.unfrozen || flags.block !== "heads",
  });
  const gflops = products / middle / 1e9;
  const { gflops: rate } = await gemm(flags);
  return {
    median_step_seconds: round(middle),
    best_step_seconds: round(Math.min(...others)),
    first_step_seconds: round(first!),
    tokens_per_second: Math.round(tokens / middle),
    gflops: Math.round(gflops),
    gemm_gflops: rate,
    share_of_gemm_rate: round(gflops / rate, 3),
    peak_rss_mb: peak,
  };
}

/**
 * Floating-point operations of a step's matrix products when every layer is counted whole: forward and backward by the inputs
 * of targets and attributes, by the weights too where blocks are scored or weights train, and forward of the original.
 */
function flopOf(
  { hidden_size: D, intermediate_size: F, num_hidden_layers: layers }: Checkpoint["config"],
  { tokens, seq, full }: { tokens: number; seq: number; full: boolean },
): number {
  const [linear, attention] = [2 * (4 * D * D + 2 * D * F), 4 * seq * D];
  const stream = full ? 3 * linear + 3 * attention : 2 * linear + 3 * attention;
  return layers * tokens * (2 * stream + linear + attention);
}
