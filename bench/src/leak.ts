import { readdirSync } from "node:fs";
import { fineprune } from "@pruning-bias/debias";
import { initWeights, parseConfig } from "@pruning-bias/model";
import { fromNnPruning } from "@pruning-bias/pruning";
import { compiler } from "@pruning-bias/runtime";
import type { Flags } from "./flags.ts";
import { randomSentences } from "./sentences.ts";

/** Memory and open files of a small model over many fine-pruning steps of several widths, weights training: `--steps 1000`. */
export async function leak(flags: Flags) {
  const steps = Number(flags.steps);
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 2000, hidden_size: 128, num_hidden_layers: 2, num_attention_heads: 4 },
    ...{ intermediate_size: 512, max_position_embeddings: 64 },
  });
  const [targets, male, female] = [1, 2, 3].map((seed) =>
    randomSentences({ count: 256, seq: [8, 20, 40], vocabulary: 2000, seed }),
  ) as [ReturnType<typeof randomSentences>, ReturnType<typeof randomSentences>, ReturnType<typeof randomSentences>];
  const run = fineprune({
    checkpoint: { config, weights: initWeights(config, { seed: 1, head: "none" }) },
    ...{ pruning: fromNnPruning({ attention_block_rows: 32, attention_block_cols: 32 }), freezeWeights: false },
    ...{ train: { targets, male, female }, batchSize: 8, epochs: steps, maxSteps: steps, jit: compiler() },
  });
  const after: Record<string, { rss_mb: number; array_mb: number; files: number }> = {};
  const marks = new Set([0.1, 0.25, 0.5, 0.75, 1].map((part) => Math.round(steps * part)));
  for await (const event of run) {
    if (event.kind !== "step" || !marks.has(event.step)) continue;
    globalThis.gc?.();
    const { rss, arrayBuffers } = process.memoryUsage();
    const files = process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
    after[event.step] = { rss_mb: Math.round(rss / 1e6), array_mb: Math.round(arrayBuffers / 1e6), files };
  }
  return { steps, after };
}
