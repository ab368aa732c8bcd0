import { expect, test } from "vitest";
import { backtracking } from "./patterns.ts";

test.each(["(a+)+$", "(x|xx)*y", "((ab)*c)+", "(?:[a-z]+,?)+", "(a{2,}){3}", "(?<word>\\w+\\s?)*"])(
  "%s takes time without bounds",
  (pattern) => {
    expect(backtracking([null, { pretokenizers: [{ pattern: { Regex: pattern } }] }])).toBe(pattern);
  },
);

// GPT-2's, GPT-4's and what ALBERT's normalizer has.
test.each([
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+`,
  " {2,}",
  String.raw`\(a+\)+[(+]*`,
])("%s does not", (Regex) => {
  expect(backtracking([{ pattern: { Regex } }])).toBe(undefined);
});
