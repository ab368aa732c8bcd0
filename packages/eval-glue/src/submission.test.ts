import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { argmax, mainScore, majorityBaseline, predictions, score } from "./index.ts";
import { spread, spreads } from "./spread.ts";
import { submission, submissionName } from "./submission.ts";

describe("a submission", () => {
  it("is in the order of the examples' numbers, under the benchmark's header and names", () => {
    expect(submission("mnli", [2, 0, 1], [0, 1, 2])).toBe(
      "index\tprediction\n0\tneutral\n1\tcontradiction\n2\tentailment\n",
    );
    expect(submission("rte", [0, 1], [0, 1])).toBe("index\tprediction\n0\tentailment\n1\tnot_entailment\n");
    expect(submission("cola", [0, 1], [0, 1])).toBe("index\tprediction\n0\t0\n1\t1\n");
    expect(submission("stsb", [0, 1, 2], [5.2, -0.1, 2.34567])).toBe(
      "index\tprediction\n0\t5.000\n1\t0.000\n2\t2.346\n",
    );
  });

  it("has a file for each test split", () => {
    expect(submissionName("mnli", "test_mismatched")).toBe("MNLI-mm.tsv");
    expect(submissionName("sst2", "test")).toBe("SST-2.tsv");
    expect(() => submissionName("sst2", "validation")).toThrow(
      "submission: sst2: expected one of test, got validation",
    );
  });

  it("is not made of a part of a split", () => {
    expect(() => submission("cola", [0, 2], [1, 1])).toThrow("submission: cola: expected example 1, got 2");
  });
});

describe("spread", () => {
  it("has the median and the sample deviation", () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, mean: 2, deviation: 1, min: 1, max: 3, count: 3 });
    expect(spread([1, 2, 3, 10]).median).toBe(2.5);
    expect(spread([0.5])).toMatchObject({ median: 0.5, deviation: NaN, count: 1 });
  });

  it("is NaN where one number is", () => {
    expect(spread([1, NaN, 2])).toMatchObject({ median: NaN, min: NaN, max: NaN });
  });

  it("goes over metrics by name", () => {
    expect(spreads([{ accuracy: 0.5 }, { accuracy: 0.7 }])["accuracy"]!.median).toBeCloseTo(0.6, 12);
    expect(() => spread([])).toThrow("spread: expected one number or more, got none");
  });
});

it("what is no prediction is not submitted", () => {
  expect(() => submission("mnli", [0], [3])).toThrow("submission: mnli: expected a class below 3, got 3");
  expect(() => submission("stsb", [0], [NaN])).toThrow("submission: stsb: expected a score, got NaN");
  expect(() => submission("cola", [0, 1], [1])).toThrow("submission: cola: expected 2 predictions, got 1");
});

it("nothing is not scored", () => {
  const tokens = { task: "cola", labels: Float32Array.of(1, 0), length: 2 } as never;
  const flat = ndarray(Float32Array.of(1, 2));
  expect(() => score(flat, tokens, [1])).toThrow("score: cola: expected logits [2, 2], got [2]");
  expect(() => predictions(flat)).toThrow("predictions: expected logits [N, classes], got [2]");
  expect(() => argmax([])).toThrow("argmax: expected logits, got none");
  expect(() => majorityBaseline("cola", [], [1])).toThrow("majorityBaseline: cola: expected training labels, got none");
  expect(() => mainScore({})).toThrow("mainScore: expected a metric or more, got none");
});
