import { expect, test } from "vitest";
import { lowered, pieces } from "./pieces.ts";

test("a sentence falls into words with their space, contractions and marks", () => {
  expect(pieces("He's late,  and she isn't. ")).toEqual([
    "He",
    "'s",
    " late",
    ",",
    " ",
    " and",
    " she",
    " isn",
    "'t",
    ".",
  ]);
});

test("an opening quote takes the t of the", () => {
  expect(pieces("'the")).toEqual(["'t", "he"]);
});

test("U+0085 is a blank and U+FEFF is not", () => {
  expect(pieces("a\u0085b")).toEqual(["a", "\u0085", "b"]);
  expect(pieces("a\ufeffb")).toEqual(["a", "\ufeff", "b"]);
});

test("pieces are looked up stripped and in lower case", () => {
  expect(lowered(" KING")).toBe("king");
});
