import { debiasModes, embeddingLayers, fineprune } from "@pruning-bias/debias";
import { embedder, seat } from "@pruning-bias/eval-bias";
import { loadTokenizer, readSeat } from "@pruning-bias/data";
import { fromNnPruning } from "@pruning-bias/pruning";
import { compiler } from "@pruning-bias/runtime";
import { join } from "node:path";
import { corpusOf, first, part } from "./corpus.ts";
import type { Flags } from "./main.ts";
import { median, peakMegabytes, round } from "./measure.ts";
import { blockOf, load } from "./model.ts";

/**
 * An epoch of fine-pruning on a real corpus, or its first steps: static attributes, validation and SEAT at the start and
 * at the end, steps. `epoch_seconds` is a whole epoch at these rates, with two validations.
 */
export async function epoch(flags: Flags) {
  if (flags.seat === undefined) throw new Error("bench epoch: expected --seat FOLDER, got none");
  const data = await corpusOf("epoch", flags);
  const checkpoint = await load(flags.model);
  const tokenizer = await loadTokenizer(flags.tokenizer!);
  const [batch, steps, tokenBudget, some] = [flags.batch, flags.steps, flags["token-budget"], flags["val-limit"]].map(
    Number,
  );
  const pruning = fromNnPruning({
    ...blockOf(flags.block, checkpoint.config),
    prune_values_only: flags["values-only"],
    prune_attention_only: flags["values-only"],
  });
  const jit = compiler({ threads: Number(flags.threads) });
  const train = part(data, "train");
  const run = fineprune({
    ...{ checkpoint, pruning, train, validation: first(part(data, "validation"), some!), jit },
    ...{ batchSize: batch!, tokenBudget: tokenBudget!, epochs: 1, limitBatches: steps!, validationsPerEpoch: 1 },
    staticSentences: Number(flags["static-limit"]),
    embeddingLayer: embeddingLayers.find((layer) => layer === flags.layer)!,
    debiasMode: debiasModes.find((mode) => mode === flags.mode)!,
    ...{ freezeWeights: !flags.unfrozen, lossForm: "squared_sum" },
  });
  const tests = await Promise.all([6, 7, 8].map((n) => readSeat(join(flags.seat!, `sent-weat${n}.jsonl`))));
  const embed = embedder({ checkpoint, tokenizer, jit });
  const seconds: Record<"static" | "validation" | "seat" | "step", number[]> = {
    ...{ static: [], validation: [], seat: [], step: [] },
  };
  let [started, tokens] = [performance.now(), 0];
  const elapsed = () => {
    const now = performance.now();
    const since = (now - started) / 1000;
    started = now;
    return since;
  };
  for await (const event of run) {
    if (event.kind === "step") {
      seconds.step.push(elapsed());
      tokens += event.tokens;
    } else if (event.kind === "validation") {
      // The first comes after the static attributes, and compiles.
      seconds.validation.push(elapsed());
      await seat({ tests, embed: (sentences) => embed(sentences), protocol: "cls", samples: 1 });
      seconds.seat.push(elapsed());
    } else elapsed();
  }
  const [compiling, ...others] = seconds.step;
  const step = median(others);
  const inEpoch = Math.ceil((2 * Math.min(train.male.length, train.female.length)) / batch!);
  const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);
  const each = seconds.validation.at(-1)! + seconds.seat.at(-1)!;
  return {
    median_step_seconds: round(step),
    best_step_seconds: round(Math.min(...others)),
    first_step_seconds: round(compiling!),
    real_tokens_per_second: Math.round(tokens / total(seconds.step)),
    validation_seconds: seconds.validation.map((own) => round(own)),
    seat_seconds: seconds.seat.map((own) => round(own)),
    ...{ steps: seconds.step.length, steps_in_epoch: inEpoch, epoch_seconds: round(inEpoch * step + 2 * each) },
    peak_rss_mb: peakMegabytes(),
  };
}
