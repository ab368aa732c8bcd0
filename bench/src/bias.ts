import { loadTokenizer, readCrowsPairs, readSeat } from "@pruning-bias/data";
import { embedder, headMap, hide, maskedLm, permutationTest, seatSentences } from "@pruning-bias/eval-bias";
import { type Checkpoint, initWeights, loadCheckpoint, parseConfig } from "@pruning-bias/model";
import type { Flags } from "./main.ts";
import { median, peakMegabytes, round } from "./measure.ts";

/** What measuring bias takes: permutations, each head closed, and clozes together against one at a time. */
export async function bias(flags: Flags) {
  const tokenizer = await loadTokenizer(required(flags, "tokenizer"));
  const checkpoint = await load(flags.model);
  return {
    ...permutations(),
    ...(flags.seat === undefined ? {} : await heads(checkpoint, tokenizer, flags.seat.split(","))),
    ...(flags.crows === undefined ? {} : await clozes(checkpoint, tokenizer, flags.crows)),
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

async function heads(
  checkpoint: Checkpoint,
  tokenizer: Awaited<ReturnType<typeof loadTokenizer>>,
  files: readonly string[],
) {
  const tests = await Promise.all(files.map(readSeat));
  const sentences = seatSentences(tests);
  const embed = embedder({ checkpoint, tokenizer });
  await embed(sentences);
  const forward: number[] = [];
  for (let round = 0; round < 3; round++) forward.push(await secondsOf(() => embed(sentences)));
  const map = headMap({ checkpoint, tokenizer, tests });
  let count = 0;
  // Compilation is part of it.
  const all = await secondsOf(async () => {
    for await (const { head } of map.each()) count += head >= 0 ? 1 : 0;
  });
  const passes = all / median(forward);
  return {
    forward_seconds: round(median(forward)),
    head_map_seconds: round(all),
    heads: count,
    head_map_in_forward_passes: round(passes, 3),
    per_144_heads: round((passes / count) * 144, 3),
  };
}

async function clozes(checkpoint: Checkpoint, tokenizer: Awaited<ReturnType<typeof loadTokenizer>>, file: string) {
  const pairs = (await readCrowsPairs(file, "gender")).slice(0, 40);
  const ids = pairs.flatMap(({ more, less }) => [more, less]).map((text) => tokenizer.encode(text).inputIds);
  const all = ids.flatMap((own) => [...own.keys()].slice(1, -1).map((position) => hide(own, [position], tokenizer)));
  const few = all.filter((_, n) => n % 20 === 0);
  const [together, alone] = [maskedLm({ checkpoint, tokenizer }), maskedLm({ checkpoint, tokenizer, batchTokens: 1 })];
  await alone(few);
  // Compilation is part of what they take together; alone they would compile as much once.
  const batched = (await secondsOf(() => together(all))) / all.length;
  const single = (await secondsOf(() => alone(few))) / few.length;
  return {
    clozes: all.length,
    seconds_a_cloze_together: round(batched),
    seconds_a_cloze_alone: round(single),
    together_times_as_fast: round(single / batched, 3),
  };
}

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
