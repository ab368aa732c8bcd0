import { expect, test } from "vitest";
import { strip } from "./python.ts";

test("strip takes Python's blanks, not JavaScript's", () => {
  expect(strip("\u0085\u001c a \u001f\u3000\n")).toBe("a");
  expect(strip("\ufeffa\ufeff")).toBe("\ufeffa\ufeff");
  expect(strip(" \t ")).toBe("");
});
