import { readFile } from "node:fs/promises";
import { loadTokenizer, readCrowsPairs, readSeat, readStereoSet, type Tokenizer } from "@pruning-bias/data";
import {
  type Cloze,
  crowsPairs,
  embedder,
  headMap,
  hide,
  type MaskedLm,
  maskedLm,
  permutationTest,
  seatSentences,
  stereoSet,
} from "@pruning-bias/eval-bias";
import { type Checkpoint, initWeights, loadCheckpoint, parseConfig } from "@pruning-bias/model";
import type { Flags } from "./flags.ts";
import { median, peakMegabytes, round } from "./measure.ts";

/** Effects by test with each head closed, as another program has them. */
interface Where {
  readonly closed: readonly ({ readonly layer: number; readonly head: number } & Readonly<Record<string, number>>)[];
}

/** What measuring bias takes: permutations, each head closed, and clozes together against one at a time. */
export async function bias(flags: Flags) {
  const tokenizer = await loadTokenizer(required(flags, "tokenizer"));
  const checkpoint = await load(flags.model);
  return {
    ...permutations(),
    ...(flags.seat === undefined ? {} : await heads(checkpoint, tokenizer, flags)),
    ...(await clozes(checkpoint, tokenizer, flags)),
    peak_rss_mb: peakMegabytes(),
  };
}

/** A hundred thousand splits of as many targets as the largest test of May et al. has. */
function permutations() {
  const associations = Float64Array.from({ length: 160 }, (_, n) => Math.sin(n * n));
  permutationTest(associations, 80);
  return {
    permutation_seconds: round(
      median([1, 2, 3, 4, 5].map((seed) => seconds(() => permutationTest(associations, 80, { seed })))),
    ),
  };
}

async function heads(checkpoint: Checkpoint, tokenizer: Tokenizer, { seat = "", where }: Flags) {
  const tests = await Promise.all(seat.split(",").map(readSeat));
  const expected = where === undefined ? undefined : (JSON.parse(await readFile(where, "utf8")) as Where);
  let worst = 0;
  const sentences = seatSentences(tests);
  const embed = embedder({ checkpoint, tokenizer });
  await embed(sentences);
  const forward: number[] = [];
  for (let round = 0; round < 3; round++) forward.push(await secondsOf(() => embed(sentences)));
  const map = headMap({ checkpoint, tokenizer, tests });
  let count = 0;
  // Compilation is part of it.
  const all = await secondsOf(async () => {
    for await (const { layer, head, effects } of map.each()) {
      count++;
      const known = expected?.closed.find((other) => other.layer === layer && other.head === head);
      for (const test of Object.keys(effects)) {
        if (known !== undefined) worst = Math.max(worst, Math.abs(effects[test]! - known[test]!));
      }
    }
  });
  const passes = all / median(forward);
  return {
    forward_seconds: round(median(forward)),
    head_map_seconds: round(all),
    heads: count,
    head_map_in_forward_passes: round(passes, 3),
    per_144_heads: round((passes / count) * 144, 3),
    ...(expected && { heads_known: expected.closed.length, worst_difference: worst }),
  };
}

/** CrowS-Pairs of gender, and StereoSet, as bias-bench scores them: all clozes together, and every so many of them one at a time. */
async function clozes(checkpoint: Checkpoint, tokenizer: Tokenizer, { crows, stereoset }: Flags) {
  const measures: Record<string, (predict: MaskedLm) => Promise<unknown>> = {};
  if (crows !== undefined) {
    const pairs = await readCrowsPairs(crows, "gender");
    measures["crows"] = (predict) => crowsPairs(predict, tokenizer, pairs);
    const ids = pairs
      .slice(0, 20)
      .flatMap(({ more, less }) => [more, less].map((text) => tokenizer.encode(text).inputIds));
    const each = ids.flatMap((own) => [...own.keys()].slice(1, -1).map((at) => hide(own, [at], tokenizer)));
    measures["each_token"] = (predict) => predict(each);
  }
  if (stereoset !== undefined) {
    const examples = await readStereoSet(stereoset);
    measures["stereoset"] = (predict) => stereoSet(predict, tokenizer, examples, { samples: 1 });
  }
  const results: Record<string, number> = {};
  for (const [name, measure] of Object.entries(measures)) {
    const asked: Cloze[] = [];
    await measure(recording(asked));
    const few = asked.filter((_, n) => n % Math.ceil(asked.length / 40) === 0);
    const [together, alone] = [
      maskedLm({ checkpoint, tokenizer }),
      maskedLm({ checkpoint, tokenizer, batchTokens: 1 }),
    ];
    for (const cloze of few) await alone([cloze]);
    const single =
      (await secondsOf(async () => {
        for (const cloze of few) await alone([cloze]);
      })) / few.length;
    await alone.dispose();
    // Compilation is part of what they take together; alone they would compile as much once.
    const batched = (await secondsOf(() => measure(together))) / asked.length;
    await together.dispose();
    results[`${name}_clozes`] = asked.length;
    results[`${name}_seconds_a_cloze_together`] = round(batched);
    results[`${name}_seconds_a_cloze_alone`] = round(single);
    results[`${name}_together_times_as_fast`] = round(single / batched, 3);
  }
  return results;
}

/** Takes down what it is asked, and finds all alike. */
const recording = (asked: Cloze[]): MaskedLm =>
  Object.assign(
    async (clozes: readonly Cloze[]) => {
      asked.push(...clozes);
      return clozes.map((cloze) => new Float32Array(cloze.asked.length));
    },
    { dispose: async () => {} },
  );

/** A folder's model, or one of BERT-base's shape with random weights; with a masked-language-model head in any case. */
async function load(name: string): Promise<Checkpoint> {
  if (name !== "bert-base") {
    const checkpoint = await loadCheckpoint(name);
    const head = initWeights(checkpoint.config, { seed: 1, head: "masked-lm" });
    return { ...checkpoint, weights: { ...head, ...checkpoint.weights } };
  }
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 30_522, hidden_size: 768, num_hidden_layers: 12 },
    ...{ num_attention_heads: 12, intermediate_size: 3072 },
  });
  return { config, weights: initWeights(config, { seed: 1, head: "masked-lm" }) };
}

function required(flags: Flags, name: "tokenizer"): string {
  const value = flags[name];
  if (value === undefined) throw new Error(`bench bias: expected --${name}`);
  return value;
}

function seconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
