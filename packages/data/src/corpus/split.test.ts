import { expect, test } from "vitest";
import { sentencesBuilder } from "./builder.ts";
import { split, validationRows } from "./split.ts";

function sentences(length: number) {
  const builder = sentencesBuilder(100);
  for (let i = 0; i < length; i++) builder.add(i, [i % 100], [1]);
  return builder.build();
}

test("both parts together are all sentences, each once", () => {
  const { train, validation } = split(sentences(500), { seed: 1, validationSize: 100, name: "male" });
  expect([train.length, validation.length]).toEqual([400, 100]);
  expect([...train.lines, ...validation.lines].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
});

test("the same seed gives the same split, another seed or class another one", () => {
  const lines = (seed: number, name: string) => [
    ...split(sentences(500), { seed, validationSize: 100, name }).validation.lines,
  ];
  expect(lines(1, "male")).toEqual(lines(1, "male"));
  expect(lines(2, "male")).not.toEqual(lines(1, "male"));
  expect(lines(1, "female")).not.toEqual(lines(1, "male"));
});

test("fewer than twice the wanted rows leave a tenth for validation", () => {
  expect([2000, 1999, 50, 5, 2, 1, 0].map((length) => validationRows(length, 1000))).toEqual([
    1000, 199, 5, 1, 1, 0, 0,
  ]);
  expect(validationRows(15, 8)).toBe(1);
});
