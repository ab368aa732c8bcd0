import type { Sentences } from "@pruning-bias/data";
import { debiasModes, embeddingLayers, fineprune } from "@pruning-bias/debias";
import { fromNnPruning } from "@pruning-bias/pruning";
import { compiler, generator } from "@pruning-bias/runtime";
import type { Flags } from "./main.ts";
import { median, peakMegabytes, round } from "./measure.ts";
import { blockOf, load } from "./model.ts";

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
  const [targets, male, female] = [1, 2, 3].map((seed) => random(count, seq, checkpoint.config.vocab_size, seed)) as [
    Sentences,
    Sentences,
    Sentences,
  ];
  const run = fineprune({
    ...{ checkpoint, pruning, train: { targets, male, female }, batchSize: batch, freezeWeights: !flags.unfrozen },
    ...{ microbatch: flags.microbatch === undefined ? batch : Number(flags.microbatch), staticSentences: batch },
    embeddingLayer: embeddingLayers.find((layer) => layer === flags.layer)!,
    debiasMode: debiasModes.find((mode) => mode === flags.mode)!,
    ...{ epochs: steps + 1, limitBatches: 1, maxSteps: steps + 1, jit: compiler({ threads }) },
    // The original model runs in every step, as in the reference.
    originalCache: 0,
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
  return {
    median_step_seconds: round(middle),
    best_step_seconds: round(Math.min(...others)),
    first_step_seconds: round(first!),
    tokens_per_second: Math.round(tokens / middle),
    peak_rss_mb: peakMegabytes(),
  };
}

/** Sentences of random words, the second a keyword. */
function random(count: number, seq: number, vocabulary: number, seed: number): Sentences {
  const { int } = generator(seed);
  return {
    length: count,
    offsets: Int32Array.from({ length: count + 1 }, (_, row) => row * seq),
    inputIds: Uint32Array.from({ length: count * seq }, () => 1000 + int(vocabulary - 1000)),
    keywordMask: Uint8Array.from({ length: count * seq }, (_, i) => Number(i % seq === 1)),
    lines: Uint32Array.from({ length: count }, (_, row) => row),
  };
}
