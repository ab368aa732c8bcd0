import { fineprune, type Parameters, type StepEvent } from "@pruning-bias/debias";
import {
  cutoffs,
  fromNnPruning,
  hostMasks,
  type HostMasks,
  type HostScores,
  type Layout,
  runAgreement,
  scoreLayout,
} from "@pruning-bias/pruning";
import { compiler, ndarray } from "@pruning-bias/runtime";
import { corpusOf, first, part } from "./corpus.ts";
import { type Flags, variantOf } from "./flags.ts";
import { peakMegabytes, round } from "./measure.ts";
import { blockOf, load } from "./model.ts";
import { row } from "./rows.ts";
import { seatMeasure } from "./seat.ts";

/**
 * Whether runs of several seeds end with the same heads, as the last step leaves them, by average, and chosen by
 * validation loss: value heads, last layer, sentence mode, score learning rate .1, batch 16, other than flags say. With
 * `--seat`, SEAT before and after too, so that each seed stands beside the yardstick's.
 */
export async function settle(flags: Flags) {
  const data = await corpusOf("settle", flags);
  const checkpoint = await load(flags.model);
  const pruning = fromNnPruning({
    ...blockOf("heads", checkpoint.config),
    ...{
      prune_values_only: true,
      prune_attention_only: true,
      mask_scores_learning_rate: Number(flags["score-lr"] ?? ".1"),
    },
  });
  const jit = compiler({ threads: Number(flags.threads) });
  const layout = scoreLayout(checkpoint.config, pruning);
  const measure =
    flags.seat === undefined
      ? async () => undefined
      : await seatMeasure({ folder: flags.seat, tokenizer: flags.tokenizer!, checkpoint, layout, jit });
  const masks: Record<"none" | "average" | "greedy", HostMasks[]> = { none: [], average: [], greedy: [] };
  const runs = [];
  const started = performance.now();
  for (const seed of (flags.seeds ?? "42,43,44").split(",").map(Number)) {
    const run = fineprune({
      ...{ checkpoint, pruning, seed, jit, batchSize: Number(flags.batch ?? "16"), settle: "greedy" },
      ...{ train: part(data, "train"), validation: first(part(data, "validation"), Number(flags["val-limit"])) },
      ...{ epochs: 1, limitBatches: Number(flags.steps), validationsPerEpoch: 1 },
      ...{ staticSentences: Number(flags["static-limit"]), lossForm: "squared_sum", variant: variantOf(flags) },
    });
    let [last, none]: [StepEvent | undefined, Parameters] = [undefined, { weights: {}, scores: {} }];
    let beforeTraining: ReturnType<typeof row> | undefined;
    for (let next = await run.next(); ; next = await run.next()) {
      if (next.done) {
        const { scores, threshold } = next.value as { scores: HostScores; threshold: number };
        masks.none.push(hostMasks(layout, none.scores, threshold));
        masks.average.push(hostMasks(layout, averaged(layout, last!, none.scores, threshold), threshold));
        masks.greedy.push(hostMasks(layout, scores, threshold));
        break;
      }
      const event = next.value;
      if (event.kind === "step") last = event;
      if (event.kind === "validation") {
        none = event.parameters();
        beforeTraining ??= row(event);
      }
      if (event.kind === "settled") {
        const { before, changed, threshold } = event;
        const [seatBefore, seatAfter] = [await measure(none, threshold), await measure(event.parameters(), threshold)];
        runs.push({
          ...{ seed, changed, start: beforeTraining },
          ...{ before: { ...row(before), seat: seatBefore }, after: { ...row(event), seat: seatAfter } },
          seconds: Math.round((performance.now() - started) / 1000),
        });
        console.error(JSON.stringify(runs.at(-1)));
      }
    }
  }
  const agreement = Object.entries(masks).map(([method, of]) => {
    const { mean, lowest } = runAgreement(of.map(valuesOf));
    return [method, { jaccard: round(mean.jaccard, 3), kappa: round(mean.kappa, 3), lowest: round(lowest.jaccard, 3) }];
  });
  const closed = Object.entries(masks).map(([method, of]) => [method, of.map(closedHeads)]);
  return {
    ...{ agreement: Object.fromEntries(agreement), runs, closed: Object.fromEntries(closed) },
    ...{ seconds: Math.round((performance.now() - started) / 1000), peak_rss_mb: peakMegabytes() },
  };
}

const isValue = ([name]: [string, unknown]) => name.endsWith(".value");
const valuesOf = (masks: HostMasks): HostMasks => Object.fromEntries(Object.entries(masks).filter(isValue));
const closedHeads = (masks: HostMasks): string =>
  Object.values(valuesOf(masks))
    .flatMap(({ mask }, layer) => Array.from(mask, (bit, head) => (bit === 0 ? `${layer}.${head}` : "")))
    .filter((head) => head !== "")
    .join(" ");

function averaged(layout: Layout, last: StepEvent, scores: HostScores, threshold: number): HostScores {
  const { arrays } = last.state();
  const settled = Object.entries(cutoffs(layout, scores, threshold)).map(([name, cutoff]) => {
    const { data, shape } = arrays[`margins.${name}`]!;
    return [
      name,
      ndarray(
        Float32Array.from(data, (margin) => margin + cutoff),
        shape,
      ),
    ];
  });
  return { ...scores, ...(Object.fromEntries(settled) as HostScores) };
}
