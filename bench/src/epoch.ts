import { debiasModes, embeddingLayers, fineprune, lossForms } from "@pruning-bias/debias";
import { fromNnPruning, scoreLayout } from "@pruning-bias/pruning";
import { compiler, physicalCores } from "@pruning-bias/runtime";
import { corpusOf, first, part } from "./corpus.ts";
import { type Flags, variantOf } from "./flags.ts";
import { median, peakMegabytes, round } from "./measure.ts";
import { blockOf, load } from "./model.ts";
import { row } from "./rows.ts";
import { seatMeasure } from "./seat.ts";

/**
 * An epoch of fine-pruning on a real corpus, or its first steps, as the yardstick's `reference_epoch.py` has it: static
 * attributes, validation and SEAT at the start, on the way and at the end, steps. `epoch_seconds` is a whole epoch at these
 * rates, with validation and SEAT three times.
 */
export async function epoch(flags: Flags) {
  if (flags.seat === undefined) throw new Error("bench epoch: expected --seat FOLDER, got none");
  const data = await corpusOf("epoch", flags);
  const checkpoint = await load(flags.model);
  const [batchSize, steps, tokenBudget] = [flags.batch ?? "128", flags.steps, flags["token-budget"]].map(Number);
  const pruning = fromNnPruning({
    ...blockOf(flags.block, checkpoint.config),
    ...{ prune_values_only: flags["values-only"], prune_attention_only: flags["values-only"] },
    ...{ mask_scores_learning_rate: Number(flags["score-lr"] ?? "1e-2"), final_threshold: Number(flags.threshold) },
  });
  const layout = scoreLayout(checkpoint.config, pruning);
  const [threads, devices] = [Number(flags.threads), Number(flags.devices)];
  const jit = compiler({ threads });
  const share = Math.max(1, Math.floor((threads || physicalCores()) / devices));
  const jitOnAll = devices === 1 ? jit : compiler({ threads: share, lanes: devices });
  const train = part(data, "train");
  const inEpoch = Math.ceil(
    Math.max(2 * Math.min(train.male.length, train.female.length), train.targets.length) / batchSize!,
  );
  const limit = Math.min(steps!, inEpoch);
  const run = fineprune({
    ...{ checkpoint, pruning, train, jit: jitOnAll, devices, batchSize: batchSize!, tokenBudget: tokenBudget! },
    ...{ validation: first(part(data, "validation"), Number(flags["val-limit"])), seed: Number(flags.seed) },
    ...{ epochs: 1, limitBatches: limit, staticSentences: Number(flags["static-limit"]) },
    validationsPerEpoch: flags["eval-every"] === undefined ? 2 : Math.ceil(limit / Number(flags["eval-every"])),
    embeddingLayer: embeddingLayers.find((layer) => layer === flags.layer)!,
    debiasMode: debiasModes.find((mode) => mode === flags.mode)!,
    lossForm: lossForms.find((form) => form === flags["loss-form"].replaceAll("-", "_"))!,
    ...{ freezeWeights: !flags.unfrozen, variant: variantOf(flags) },
  });
  const measure = await seatMeasure({
    ...{ folder: flags.seat, tokenizer: flags.tokenizer!, checkpoint, layout, jit },
  });
  const seconds: Record<"validation" | "seat" | "step", number[]> = { validation: [], seat: [], step: [] };
  const evaluations = [];
  let [started, tokens] = [performance.now(), 0];
  const begun = started;
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
      const effects = await measure(event.parameters(), event.threshold);
      seconds.seat.push(elapsed());
      evaluations.push({ step: event.step, seat: effects, ...row(event), current: row(event.current) });
    } else elapsed();
  }
  const [compiling, ...others] = seconds.step;
  const step = median(others);
  const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);
  const [start] = seconds.validation;
  const each = seconds.validation.at(-1)! + seconds.seat.at(-1)!;
  return {
    ...{ median_step_seconds: round(step), best_step_seconds: round(Math.min(...others)) },
    ...{ first_step_seconds: round(compiling!), step_seconds: round(total(seconds.step) / seconds.step.length) },
    real_tokens_per_second: Math.round(tokens / total(seconds.step)),
    static_and_first_validation_seconds: round(start!),
    validation_seconds: seconds.validation.slice(1).map((own) => round(own)),
    seat_seconds: seconds.seat.map((own) => round(own)),
    ...{ seconds: round((performance.now() - begun) / 1000), steps: seconds.step.length, steps_in_epoch: inEpoch },
    epoch_seconds: round(start! + seconds.seat[0]! + (compiling! - step) + inEpoch * step + 2 * each),
    ...{ evaluations, peak_rss_mb: peakMegabytes() },
  };
}
