import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import {
  binomialTest,
  effectChange,
  effectSize,
  effectSizeInterval,
  holm,
  mcNemarTest,
  probe,
  wilsonInterval,
} from "./index.ts";
import { sfc32 } from "./draws.ts";
import { matchingBlocks } from "./matching-blocks.ts";

describe("holm", () => {
  it("multiplies the smallest p by all, the next by one fewer, and never falls", () => {
    // Sorted: .01·4, .02·3, .03·2, .04·1 → .04, .06, .06, .06.
    expect(holm([0.04, 0.01, 0.03, 0.02])).toEqual([0.06, 0.04, 0.06, 0.06].map((p) => expect.closeTo(p, 14)));
  });

  it("is at most 1 and leaves out tests without a p", () => {
    expect(holm([0.6, null, 0.7])).toEqual([1, null, 1]);
    expect(holm([])).toEqual([]);
  });
});

describe("binomialTest", () => {
  it("counts coins by hand", () => {
    // 0 or 1 of 5, and 4 or 5: 2·(1 + 5)/32.
    expect(binomialTest(1, 5)).toBeCloseTo(12 / 32, 14);
    expect(binomialTest(4, 5)).toBeCloseTo(12 / 32, 14);
    expect([binomialTest(3, 6), binomialTest(0, 0)]).toEqual([1, 1]);
  });

  it("holds thousands of coins", () => {
    // 2·Σ C(2000, k)/2^2000 of k ≤ 900, in whole numbers
    expect(binomialTest(1100, 2000) / 8.457089535503927e-6).toBeCloseTo(1, 9);
  });

  it("is McNemar's on the items that two models answer differently", () => {
    const first = [true, true, true, true, true, false];
    const second = [true, false, false, false, false, false];
    expect(mcNemarTest(first, second)).toEqual({ onlyFirst: 4, onlySecond: 0, p: 2 / 16 });
    expect(() => mcNemarTest(first, [true])).toThrow("mcNemarTest: expected the same items twice, got 6 and 1");
  });
});

describe("wilsonInterval", () => {
  it("stays within 0 and 1, and is the textbook's", () => {
    // Newcombe 1998, 81 of 263: .2553 to .3662.
    const { low, high } = wilsonInterval(81, 263)!;
    expect(low).toBeCloseTo(0.2553, 4);
    expect(high).toBeCloseTo(0.3662, 4);
    expect(wilsonInterval(0, 10)!.low).toBe(0);
    expect(wilsonInterval(0, 0)).toBeNull();
  });
});

describe("effectSizeInterval", () => {
  const associations = Float64Array.from({ length: 60 }, (_, n) => Math.sin(n * n) + (n < 30 ? 0.5 : 0));

  it("holds the effect size, for the same seed the same", () => {
    const interval = effectSizeInterval(associations, 30, { samples: 2000, seed: 3 })!;
    const effect = effectSize(associations, 30);
    expect(interval.low).toBeLessThan(effect);
    expect(interval.high).toBeGreaterThan(effect);
    expect(effectSizeInterval(associations, 30, { samples: 2000, seed: 3 })).toEqual(interval);
    expect(interval).toMatchObject({ level: 0.95, method: "bootstrap", samples: 2000 });
  });

  it("is narrower at a lower level, and null without variance", () => {
    const [wide, narrow] = [0.95, 0.5].map((level) => effectSizeInterval(associations, 30, { samples: 2000, level })!);
    expect(narrow!.high - narrow!.low).toBeLessThan(wide!.high - wide!.low);
    expect(effectSizeInterval(new Float64Array(6).fill(0.1), 3)).toBeNull();
  });

  it("covers the true effect about as often as it says", () => {
    // Targets of X around 1, of Y around 0, spread 1: d = 1 / √(1 + 1/4), to the mixture's standard deviation.
    const truth = 1 / Math.sqrt(1.25);
    const next = sfc32(5);
    const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    let covered = 0;
    for (let round = 0; round < 200; round++) {
      const drawn = Float64Array.from({ length: 80 }, (_, n) => normal() + (n < 40 ? 1 : 0));
      const { low, high } = effectSizeInterval(drawn, 40, { samples: 500, seed: round })!;
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered).toBeGreaterThan(178);
    expect(covered).toBeLessThan(200);
  });
});

describe("effectChange", () => {
  const base = Float64Array.from({ length: 40 }, (_, n) => Math.sin(n * n) + (n < 20 ? 1 : 0));

  it("finds what changed, and nothing where nothing did", () => {
    const without = base.map((value, n) => value - (n < 20 ? 1 : 0));
    const { change, p, interval } = effectChange(base, without, 20, { samples: 2000 });
    expect(change).toBeCloseTo(effectSize(without, 20) - effectSize(base, 20), 12);
    expect(p).toBeLessThan(0.01);
    expect(interval!.high).toBeLessThan(0);
    expect(effectChange(base, base, 20, { samples: 500 })).toMatchObject({ change: 0, p: 1 });
    // An effect size does not see the scale of its associations.
    expect(
      effectChange(
        base,
        base.map((value) => 3 * value + 1),
        20,
        { samples: 500 },
      ).p,
    ).toBe(1);
  });

  it("tries all patterns of few targets", () => {
    const [first, second] = [Float64Array.of(3, 1, 0, 2), Float64Array.of(1, 2, 3, 0)];
    expect(effectChange(first, second, 2, { samples: 100 }).pKind).toBe("exact");
    expect(() => effectChange(first, base, 2)).toThrow("effectChange: expected the same targets twice, got 4 and 40");
  });
});

describe("matchingBlocks", () => {
  it("finds the longest run, then what is left and right of it", () => {
    // As Python: SequenceMatcher(None, "qabxcd", "abycdf").
    const ids = (text: string) => [...text].map((letter) => letter.charCodeAt(0));
    expect(matchingBlocks(ids("qabxcd"), ids("abycdf"))).toEqual([
      { a: 1, b: 0, size: 2 },
      { a: 4, b: 3, size: 2 },
    ]);
    expect(matchingBlocks(ids("ab"), ids("cd"))).toEqual([]);
  });
});

describe("probe", () => {
  const N = 160;
  const labels = Array.from({ length: N }, (_, n) => n % 8 < 4);
  const words = Array.from({ length: N }, (_, n) => `word ${Math.floor(n / 8)} ${n % 8 < 4}`);
  const next = sfc32(1);
  const noise = Float32Array.from({ length: N * 4 }, () => next() - 0.5);
  const read = (shift: number) =>
    ndarray(
      noise.map((value, at) => (at % 4 === 0 && labels[Math.floor(at / 4)]! ? value + shift : value)),
      [N, 4],
    );

  it("reads what is there, and not what is not", () => {
    const there = probe(read(2), labels, words);
    expect(there).toMatchObject({ examples: N, types: 40, folds: 5, accuracy: 1, unseen: 1, majority: 0.5 });
    expect(there.control).toBeLessThan(0.75);
    expect(there.selectivity).toBeCloseTo(there.accuracy - there.control, 12);
    const hidden = probe(read(0), labels, words);
    expect(Math.abs(hidden.accuracy - 0.5)).toBeLessThan(0.15);
    expect(probe(read(0), labels, words)).toEqual(hidden);
  });

  it("tells words that it remembers from what carries over to others", () => {
    // Each word has a place of its own: whatever its label, known words are right, unknown ones are guessed.
    const own = new Float32Array(N * 40);
    const places = new Map([...new Set(words)].map((word, n) => [word, n]));
    words.forEach((word, n) => (own[n * 40 + places.get(word)!] = 1));
    const result = probe(ndarray(own, [N, 40]), labels, words);
    expect(result.accuracy).toBeGreaterThan(0.95);
    expect(result.control).toBeGreaterThan(0.95);
    expect(result.unseen).toBeLessThan(0.8);
  });

  it("refuses too few words", () => {
    expect(() =>
      probe(
        read(1),
        labels,
        words.map((_, n) => String(labels[n]!)),
      ),
    ).toThrow("probe: expected at least 5 words of each class, got 1");
  });
});

it("counts, p-values and properties that are none are refused", () => {
  expect(() => wilsonInterval(3, 2)).toThrow("wilsonInterval: expected hits of a total, got 3 of 2");
  expect(() => binomialTest(-1, 2)).toThrow("binomialTest: expected hits of a total, got -1 of 2");
  expect(() => holm([0.1, NaN])).toThrow("holm: expected p-values from 0 to 1, got NaN");
  const one = ndarray(Float32Array.of(1, 2, 3, NaN), [4, 1]);
  const [labels, types] = [
    [true, false, true, false],
    ["a", "b", "c", "d"],
  ];
  expect(() => probe(one, labels, types)).toThrow("probe: expected finite embeddings [N, hidden], got [4, 1]");
  const numbers = ndarray(Float32Array.of(1, 2, 3, 4), [4, 1]);
  expect(() => probe(numbers, labels, ["a", "a", "c", "d"])).toThrow("expected one label for a word, got two for a");
  expect(() => probe(numbers, labels, types, { folds: 1 })).toThrow("probe: expected 2 folds or more, got 1");
});
