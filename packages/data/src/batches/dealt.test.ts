import { expect, it } from "vitest";
import { dealt } from "./dealt.ts";

const size = (one: number) => Math.floor(one);

it("deals the largest first, each to the list that has least, the first of equals first", () => {
  expect(dealt([3, 8.1, 5, 8.2, 2], 2, size)).toEqual([
    [8.1, 5],
    [8.2, 3, 2],
  ]);
});

it("has one list in order of size, and empty lists where there is too little", () => {
  expect(dealt([1, 3, 2], 1, size)).toEqual([[3, 2, 1]]);
  expect(dealt([4], 3, size)).toEqual([[4], [], []]);
});
