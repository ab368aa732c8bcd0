import { expect, test } from "vitest";
import { csv } from "./csv.ts";

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])("%j is no formula", (text) => {
  expect(csv([[text]])).toBe(`'${text}\r\n`);
});

test("numbers are numbers, negative ones too, and NaN is said", () => {
  expect(csv([[-0.5, 0.1 + 0.2, Number.NaN, Number.POSITIVE_INFINITY, 12672]])).toBe("-0.5,0.3,NaN,Infinity,12672\r\n");
});

test("commas, quotes and line ends are quoted, and nothing is empty", () => {
  expect(csv([['a,"b"', "c\nd", undefined, null, ""]])).toBe('"a,""b""","c\nd",,,\r\n');
  expect(csv([['=a,"b"']])).toBe('"\'=a,""b"""\r\n');
});

test("a carriage return before a formula is guarded and quoted", () => {
  expect(csv([["\r=1+1"]])).toBe('"\'\r=1+1"\r\n');
});
