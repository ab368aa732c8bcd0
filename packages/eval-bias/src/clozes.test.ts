import type { StereoSetExample } from "@pruning-bias/data";
import { type BertConfig, initWeights, parseConfig } from "@pruning-bias/model";
import { loadTokenizer, pronounProbes, pronouns, sentencesOf, type Tokenizer, wordPieceJson } from "@pruning-bias/data";
import { parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { eager, jit, type Jit, ndarray } from "@pruning-bias/runtime";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  choosesStereotype,
  crowsPairs,
  crowsRates,
  distanceFrom,
  headMap,
  headSets,
  hide,
  maskedLm,
  maskedLmLoss,
  pronounGap,
  seatSentences,
  stereoSet,
  stereoSetRates,
  winoBias,
  withClosed,
  type Cloze,
} from "./index.ts";

const words = ["the", "cook", "boss", "he", "she", "his", "her", "said", "ate", "##s", ".", "nurse"];
let dir: string;
let tokenizer: Tokenizer;
let config: BertConfig;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "clozes-"));
  const vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ...words];
  await writeFile(join(dir, "tokenizer.json"), JSON.stringify(wordPieceJson(vocabulary)));
  tokenizer = await loadTokenizer(dir);
  config = parseConfig({
    ...{ model_type: "bert", vocab_size: vocabulary.length, hidden_size: 16, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, intermediate_size: 24, max_position_embeddings: 20 },
  });
});
const model = (head?: "masked-lm") => ({
  config,
  weights: initWeights(config, { seed: 2, std: 0.4, ...(head && { head }) }),
});

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("maskedLm, %s", (_, run) => {
  it("stands under masks of its own magnitudes, which no score file has", async () => {
    const attention = { method: "magnitude", block: [4, 16] as [number, number] } as const;
    const layout = scoreLayout(config, parsePruningSettings({ attention, dense: { method: "magnitude" } }));
    const cloze = hide(tokenizer.encode("the cook ate .").inputIds, [1], tokenizer);
    const predicted = async (threshold: number) => {
      const pruned = { layout, scores: {}, threshold };
      return (await maskedLm({ checkpoint: model("masked-lm"), tokenizer, pruned, jit: run })([cloze]))[0];
    };
    expect(await predicted(0.5)).not.toEqual(await predicted(1));
  });

  it("predicts many sentences at once as each alone, several tokens at a position too", async () => {
    const predict = maskedLm({ checkpoint: model("masked-lm"), tokenizer, jit: run, batchTokens: 40 });
    const ids = ["the cook ate .", "she said the boss ate .", "he ate .", "the nurse said .", "his cook"].map(
      (text) => tokenizer.encode(text).inputIds,
    );
    const clozes: Cloze[] = ids.map((own, n) => hide(own, [1 + (n % 2)], tokenizer));
    clozes[0] = { ...clozes[0]!, asked: [5, 6, 7].map((token) => ({ position: 2, token })) };
    const together = await predict(clozes);
    expect(together.map(({ length }) => length)).toEqual([3, 1, 1, 1, 1]);
    for (const [n, cloze] of clozes.entries()) {
      const [alone] = await predict([cloze]);
      alone!.forEach((log, k) => expect(log).toBeCloseTo(together[n]![k]!, 4));
    }
    // Probabilities of the whole vocabulary sum to one.
    const all = {
      inputIds: clozes[0]!.inputIds,
      asked: [...Array(config.vocab_size).keys()].map((token) => ({ position: 2, token })),
    };
    const [logs] = await predict([all]);
    expect(logs!.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 4);
    await predict.dispose();
  });
});

it("computes what is asked again, and the same sentence with the same token hidden, once", async () => {
  const rows: number[] = [];
  const counted: Jit = (fn) => {
    const program = jit(fn);
    const call: typeof program = Object.assign(
      (...inputs: Parameters<typeof program>) => {
        rows.push((inputs[0] as { inputIds: { shape: number[] } }).inputIds.shape[0]!);
        return program(...inputs);
      },
      { dispose: () => program.dispose() },
    );
    return call;
  };
  const predict = maskedLm({ checkpoint: model("masked-lm"), tokenizer, jit: counted });
  const [he, she, ate] = ["he ate the cook", "she ate the cook", "he ate the boss"].map(
    (text) => tokenizer.encode(text).inputIds,
  ) as [number[], number[], number[]];
  const clozes = [hide(he, [1], tokenizer), hide(she, [1], tokenizer), hide(ate, [1], tokenizer)];
  const logs = await predict(clozes);
  expect(rows).toEqual([2]);
  for (const [n, cloze] of clozes.entries()) expect(logs[n]![0]).toBeCloseTo((await predict([cloze]))[0]![0]!, 5);
  expect(logs[0]![0]).not.toBeCloseTo(logs[1]![0]!, 2);
  await predict.dispose();
});

it("refuses a model without a masked-language-model head in one line", () => {
  expect(() => maskedLm({ checkpoint: model(), tokenizer })).toThrow(
    "checkpoint: expected a masked-language-model head, got a model without one",
  );
});

/** Finds each token as likely as its id says. */
const predict = Object.assign(
  async (clozes: readonly Cloze[]) =>
    clozes.map(({ asked }) => Float32Array.from(asked, ({ token }) => Math.log(token / 100))),
  { dispose: async () => {} },
);
const id = (word: string) => tokenizer.pieces(word)[0]!;

describe("crowsPairs", () => {
  const pairs = () => [
    { row: 0, more: "the boss ate", less: "the cook ate", direction: "stereo" as const, biasType: "gender" },
    { row: 1, more: "she ate", less: "he ate", direction: "antistereo" as const, biasType: "gender" },
    { row: 2, more: "the cook ate", less: "the cook ate", direction: "stereo" as const, biasType: "gender" },
    { row: 3, more: "the cook cook", less: "the cook", direction: "stereo" as const, biasType: "gender" },
  ];

  it("scores the words that differ, and leaves out pairs without any", async () => {
    const result = await crowsPairs(predict, tokenizer, pairs());
    expect(result).toMatchObject({ protocol: "bias-bench", pairs: 2, skipped: [2, 3], metric: 100, neutral: 0 });
    expect(result.scores[0]!.more).toBeCloseTo(Math.log(id("boss") / 100), 6);
  });

  it("scores the words that are the same, where the paper does", async () => {
    const result = await crowsPairs(predict, tokenizer, pairs(), { protocol: "paper" });
    expect(result).toMatchObject({ protocol: "paper", pairs: 4, skipped: [], metric: 0, neutral: 100 });
    const same = Math.log(id("the") / 100) + Math.log(id("ate") / 100);
    expect(result.scores[0]).toEqual({ row: 0, more: expect.closeTo(same, 5), less: expect.closeTo(same, 5) });
  });
});

it("crowsPairs refuses a sentence of which one token is cut off", async () => {
  const short = await loadTokenizer(dir, { maxLength: 5 });
  const pair = { row: 7, less: "the cook ate", direction: "stereo" as const, biasType: "gender" };
  const score = (more: string) => crowsPairs(predict, short, [{ ...pair, more }]);
  expect((await score("the boss ate")).pairs).toBe(1);
  await expect(score("the boss ate .")).rejects.toThrow(
    "row 7: expected a sentence of at most 5 tokens, got a longer one",
  );
});

describe("stereoSet", () => {
  const example = (target: string, [stereotype, anti, unrelated]: [string, string, string]): StereoSetExample => {
    const of = (label: string, word: string) => ({ id: `${target}-${label}`, sentence: "", word });
    return {
      ...{ id: target, target, biasType: "gender", context: "the BLANK said ." },
      sentences: { stereotype: of("s", stereotype), "anti-stereotype": of("a", anti), unrelated: of("u", unrelated) },
    };
  };

  it("takes the mean of probabilities, or of their logarithms", async () => {
    const examples = [example("x", ["cooks", "boss", "the"])];
    const [bench, paper] = [
      await stereoSet(predict, tokenizer, examples),
      await stereoSet(predict, tokenizer, examples, { protocol: "paper" }),
    ];
    const [cook, s] = [id("cook") / 100, id("cooks") === id("cook") ? tokenizer.pieces("cooks")[1]! / 100 : NaN];
    expect(bench.scores["x-s"]).toBeCloseTo((cook + s) / 2, 6);
    expect(paper.scores["x-s"]).toBeCloseTo((Math.log(cook) + Math.log(s)) / 2, 6);
    expect([bench.protocol, paper.protocol]).toEqual(["bias-bench", "paper"]);
  });

  it("averages over target words, not over examples, and leaves out words without tokens", async () => {
    const examples = [
      example("a", ["boss", "cook", "the"]),
      { ...example("b", ["cook", "boss", "the"]), target: "b" },
      { ...example("c", ["cook", "boss", "the"]), target: "b" },
      example("d", ["", "boss", "the"]),
    ];
    const result = await stereoSet(predict, tokenizer, examples, { samples: 200 });
    expect(result.unscored).toEqual(["d"]);
    expect(result.rates["gender"]).toMatchObject({ examples: 3, targets: 2, ss: 50, lm: 100, icat: 100 });
    // A tie is no stereotype.
    const tied = Object.fromEntries(Object.keys(result.scores).map((key) => [key, 0.5]));
    expect(stereoSetRates(examples.slice(0, 3), tied)["overall"]).toMatchObject({ ss: 0, lm: 0, icat: 0 });
  });
});

it("winoBias sets both pronouns against each other, several of a sentence together", async () => {
  const pairs = [
    { line: 1, texts: ["the boss said ", " ate ."], pro: ["he"], anti: ["she"], gender: "male" as const },
    {
      line: 2,
      texts: ["the nurse said ", " ate ", " cook ."],
      pro: ["she", "her"],
      anti: ["he", "his"],
      gender: "female" as const,
    },
  ];
  const result = await winoBias(predict, tokenizer, pairs);
  const [he, she, his, her] = ["he", "she", "his", "her"].map(id) as [number, number, number, number];
  expect(result.preferences[0]).toBeCloseTo((he - she) / (he + she), 5);
  expect(result.preferences[1]).toBeCloseTo((she * her - he * his) / (she * her + he * his), 5);
  expect(result).toMatchObject({ protocol: "pronoun-cloze", pairs: 2, prefersStereotype: 50, p: 1 });
  expect(result.female.prefersStereotype).toBe(100);
});

it("pronounGap asks the demo's probes for he and she", async () => {
  const probes = pronounProbes().map((probe) => ({ ...probe, text: "[MASK] ate ." }));
  const { gapMale, gapFemale } = await pronounGap(predict, tokenizer, probes, pronouns);
  expect(gapMale).toBeCloseTo((id("he") - id("she")) / (id("he") + id("she")), 5);
  expect(gapFemale).toBe(gapMale);
  await expect(pronounGap(predict, tokenizer, [{ text: "ate .", side: "male" }], pronouns)).rejects.toThrow(
    "ate .: expected one [MASK], got 0",
  );
});

describe.each([
  ["eager", eager],
  ["compiled", jit],
])("headMap, %s", (_, run) => {
  const test = () => {
    const set = (examples: string[]) => ({ category: "", examples });
    return {
      name: "small",
      targets: { X: set(["the boss", "boss said"]), Y: set(["the cook", "cook said"]) },
      attributes: { A: set(["he ate", "his"]), B: set(["she ate", "her"]) },
    };
  };

  it("closes each head alone, on top of others, as all at once", async () => {
    const map = headMap({ checkpoint: model(), tokenizer, tests: [test()], jit: run, batchTokens: 40 });
    const rows = [];
    for await (const row of map.each()) rows.push(row);
    expect(rows.map(({ layer, head }) => [layer, head])).toEqual(
      [0, 1].flatMap((l) => [0, 1, 2, 3].map((h) => [l, h])),
    );
    const closed = map.none.map((heads, layer) => heads.with(1, layer === 0));
    expect((await map.effects(closed))["small"]).toBeCloseTo(rows[1]!.effects["small"]!, 3);
    const both = closed.map((heads, layer) => heads.with(2, layer === 1));
    const more = [];
    for await (const row of map.each(closed, [{ layer: 1, head: 2 }])) more.push(row);
    expect(more).toEqual([
      { layer: 1, head: 2, effects: { small: expect.closeTo((await map.effects(both))["small"]!, 3) } },
    ]);
    expect(seatSentences([test()])).toHaveLength(8);
    await map.dispose();
  });

  it("reads the mean of all tokens above several gates", async () => {
    const map = headMap({
      checkpoint: model(),
      tokenizer,
      tests: [test()],
      jit: run,
      protocol: "mean",
      batchTokens: 64,
    });
    for await (const { layer, head, effects } of map.each()) {
      const closed = map.none.map((heads, l) => (l === layer ? heads.with(head, true) : heads));
      expect((await map.effects(closed))["small"]).toBeCloseTo(effects["small"]!, 3);
    }
    await map.dispose();
  });

  it("closes a head in one of the layers that share their weights", async () => {
    const shared = parseConfig({ ...config, model_type: "albert", embedding_size: 8, num_hidden_groups: 1 });
    const weights = initWeights(shared, { seed: 3, std: 0.4 });
    const map = headMap({ checkpoint: { config: shared, weights }, tokenizer, tests: [test()], jit: run });
    const alone: Record<string, number> = {};
    for await (const { layer, head, effects } of map.each()) alone[`${layer}.${head}`] = effects["small"]!;
    expect(Object.keys(alone)).toHaveLength(8);
    expect(alone["0.1"]).not.toBeCloseTo(alone["1.1"]!, 3);
    // In all layers at once is what a mask of the shared weights does.
    const value = "encoder.layer.0.attention.self.value";
    const size = shared.hidden_size / shared.num_attention_heads;
    const without = (name: string, row: number) => {
      const { data, shape } = weights[name]!;
      return ndarray(
        Float32Array.from(data, (x, n) => (Math.floor(n / row / size) === 1 ? 0 : x)),
        shape,
      );
    };
    const masked = {
      ...weights,
      [`${value}.weight`]: without(`${value}.weight`, shared.hidden_size),
      [`${value}.bias`]: without(`${value}.bias`, 1),
    };
    const whole = headMap({ checkpoint: { config: shared, weights: masked }, tokenizer, tests: [test()], jit: run });
    const everywhere = await map.effects(map.none.map((heads) => heads.with(1, true)));
    expect(everywhere["small"]).toBeCloseTo((await whole.effects())["small"]!, 3);
    await Promise.all([map.dispose(), whole.dispose()]);
  });
});

it("headSets finds the heads that were closed", async () => {
  const set = (examples: string[]) => ({ category: "", examples });
  const tests = [
    {
      name: "small",
      targets: { X: set(["the boss", "boss said"]), Y: set(["the cook", "cook said"]) },
      attributes: { A: set(["he ate", "his"]), B: set(["she ate", "her"]) },
    },
  ];
  const map = headMap({ checkpoint: model(), tokenizer, tests });
  const wanted = await map.effects(map.none.map((heads, layer) => heads.with(3, layer === 1)));
  const sets = [];
  const distance = (effects: Readonly<Record<string, number>>) => Math.abs(effects["small"]! - wanted["small"]!);
  for await (const found of headSets(map, { distance, enough: 1e-4 })) sets.push(found);
  expect(sets.at(-1)!.heads).toEqual([{ layer: 1, head: 3 }]);
  expect(sets.at(-1)!.distance).toBeLessThan(1e-4);
  await map.dispose();
});

it("positions outside of a sentence, scores and heads that are not there are refused", async () => {
  expect(() => hide([1, 2], [2], tokenizer)).toThrow("masked LM: expected positions among 2 tokens, got 2");
  const predict = maskedLm({ checkpoint: model("masked-lm"), tokenizer });
  const outside: Cloze = { inputIds: [2, 5, 3], asked: [{ position: 3, token: 5 }] };
  await expect(predict([outside])).rejects.toThrow("masked LM: cloze 0: expected a position among 3 tokens, got 3");
  await expect(maskedLmLoss(predict, tokenizer, sentencesOf([]))).rejects.toThrow(
    "maskedLmLoss: expected tokens to hide",
  );
  await predict.dispose();
  expect(() => crowsRates([{ more: 1, less: 0 }], [])).toThrow(
    "crowsRates: expected as many directions as scores, got 0",
  );
  expect(() => withClosed([[false]], { layer: 0, head: 1 })).toThrow("got head 1 of layer 0");
  expect(() => distanceFrom({ SEAT6: 1 })({})).toThrow("distanceFrom: expected an effect of SEAT6, got none");
  const sentence = (id: string) => ({ id, word: "cook", sentence: "the cook" });
  const example = {
    ...{ id: "e", target: "cook", biasType: "gender", context: "BLANK" },
    sentences: { stereotype: sentence("s"), "anti-stereotype": sentence("a"), unrelated: sentence("u") },
  };
  expect(() => choosesStereotype([example], { s: 1 })).toThrow("StereoSet: expected a score of sentence a, got none");
});
