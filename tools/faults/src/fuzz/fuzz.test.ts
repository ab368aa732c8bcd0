import { describe, expect, it } from "vitest";
import { campaign } from "./campaign.ts";
import { randomOf } from "./random.ts";
import { mutateJson } from "./json.ts";
import { readers } from "./readers/index.ts";
import { complaint } from "./verdict.ts";

describe("malformed inputs", () => {
  // The full form: bench/README.md, "Faults".
  it("end in a result or in one line, whichever reader gets them", async () => {
    const results = await campaign({ seed: "short", cases: 8 });
    expect(results.map(({ reader }) => reader)).toEqual(readers.map(({ name }) => name));
    expect(results.flatMap(({ findings }) => findings)).toEqual([]);
    // Most of what is malformed is noticed; of the rest nothing was wrong that matters.
    expect(results.reduce((sum, { refused }) => sum + refused, 0)).toBeGreaterThan(80);
  }, 170_000);

  it("are the same from the same seed", () => {
    const value = { a: [1, 2, { b: "c" }], d: null };
    const made = (seed: string) =>
      Array.from({ length: 20 }, (_, i) => mutateJson(value, randomOf(`${seed}${i}`)).toString());
    expect(made("x")).toEqual(made("x"));
    expect(made("x")).not.toEqual(made("y"));
  });
});

describe("what counts as the one-line error", () => {
  it("names its place, what was expected and what came", () => {
    expect(complaint(new Error("/a/b.json: expected JSON, got nothing"), ["/a/b.json"])).toBe(undefined);
  });

  it.each([
    [new TypeError("/a/b.json: x"), "TypeError"],
    [new Error("/a/b.json: Cannot read properties of null (reading 'x')"), "inside"],
    [new Error("/a/b.json: one\nand another"), "more than one line"],
    [new Error("/a/b.json: \u001b[2J"), "control characters"],
    [new Error("expected JSON"), "no place"],
    ["a text", "threw string"],
  ])("%s", (error, expected) => {
    expect(complaint(error, ["/a/b.json"])).toContain(expected);
  });
});
