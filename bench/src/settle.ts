import { fineprune, type StepEvent } from "@pruning-bias/debias";
import {
  cutoffs,
  fromNnPruning,
  hostMasks,
  type HostMasks,
  type HostScores,
  type Layout,
  runAgreement,
} from "@pruning-bias/pruning";
import { compiler, ndarray } from "@pruning-bias/runtime";
import { corpusOf, first, part } from "./corpus.ts";
import type { Flags } from "./main.ts";
import { round } from "./measure.ts";
import { blockOf, load } from "./model.ts";

/**
 * Whether runs of several seeds end with the same heads, as the last step leaves them, by average, and chosen by
 * validation loss: value heads, last layer, sentence mode, score learning rate .1, batch 16.
 */
export async function settle(flags: Flags) {
  const data = await corpusOf("settle", flags);
  const checkpoint = await load(flags.model);
  const pruning = fromNnPruning({
    ...blockOf("heads", checkpoint.config),
    ...{ prune_values_only: true, prune_attention_only: true, mask_scores_learning_rate: 0.1 },
  });
  const masks: Record<"none" | "average" | "greedy", HostMasks[]> = { none: [], average: [], greedy: [] };
  const runs = [];
  const started = performance.now();
  for (const seed of (flags.seeds ?? "42,43,44").split(",").map(Number)) {
    const run = fineprune({
      ...{ checkpoint, pruning, seed, batchSize: 16, lossForm: "squared_sum", settle: "greedy" },
      ...{ train: part(data, "train"), validation: first(part(data, "validation"), Number(flags["val-limit"])) },
      ...{
        epochs: 1,
        limitBatches: Number(flags.steps),
        validationsPerEpoch: 1,
        staticSentences: Number(flags["static-limit"]),
      },
      jit: compiler({ threads: Number(flags.threads) }),
    });
    let [last, none]: [StepEvent | undefined, HostScores] = [undefined, {}];
    for (let next = await run.next(); ; next = await run.next()) {
      if (next.done) {
        const { layout, scores, threshold } = next.value as { layout: Layout; scores: HostScores; threshold: number };
        masks.none.push(hostMasks(layout, none, threshold));
        masks.average.push(hostMasks(layout, averaged(layout, last!, none, threshold), threshold));
        masks.greedy.push(hostMasks(layout, scores, threshold));
        break;
      }
      const event = next.value;
      if (event.kind === "step") last = event;
      if (event.kind === "validation") none = event.parameters().scores;
      if (event.kind === "settled") {
        const { before, changed } = event;
        const heads = (open: readonly number[]) => open.reduce((sum, layer) => sum + layer, 0);
        const losses = ({ loss, lossDebias, lossKeep }: typeof before) =>
          [loss, lossDebias, lossKeep].map((x) => round(x));
        runs.push({
          ...{ seed, undecided: before.undecided, changed, heads: [heads(before.headsOpen), heads(event.headsOpen)] },
          ...{ before: losses(before), after: losses(event) },
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
    seconds: Math.round((performance.now() - started) / 1000),
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
