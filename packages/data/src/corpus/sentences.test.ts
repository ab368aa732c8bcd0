import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { readSentences, writeSentences } from "./arrow.ts";
import { sentencesBuilder } from "./builder.ts";
import { concat, type Sentences, take } from "./sentences.ts";

const dir = temporaryDir();

function sentences(rows: readonly (readonly number[])[], vocabularySize = 1000): Sentences {
  const builder = sentencesBuilder(vocabularySize);
  for (const [i, ids] of rows.entries())
    builder.add(
      10 * i,
      ids,
      ids.map((id) => id % 3),
    );
  return builder.build();
}

const three = sentences([[1, 2], [3, 4, 5], [6]]);

test("take keeps the order asked for, and a row may come twice", () => {
  const taken = take(three, [2, 1, 2]);
  expect([...taken.inputIds]).toEqual([6, 3, 4, 5, 6]);
  expect([...taken.keywordMask]).toEqual([0, 0, 1, 2, 0]);
  expect([...taken.offsets]).toEqual([0, 1, 4, 5]);
  expect([...taken.lines]).toEqual([20, 10, 20]);
  expect(() => take(three, [3])).toThrow("take: expected rows below 3, got 3");
});

test("concat appends, and ids take the wider of two types", () => {
  const both = concat(three, sentences([[70_000]], 100_000));
  expect([...both.inputIds]).toEqual([1, 2, 3, 4, 5, 6, 70_000]);
  expect([...both.offsets]).toEqual([0, 2, 5, 6, 7]);
  expect(take(both, [0, 1, 2])).toEqual({ ...three, inputIds: Uint32Array.from(three.inputIds) });
});

test.each([
  ["16", 1000],
  ["32", 100_000],
])("sentences with ids of %s bits come back from an Arrow file as views of its bytes", async (_, vocabularySize) => {
  const many = sentences(
    Array.from({ length: 5001 }, (_, i) => Array.from({ length: 1 + (i % 7) }, (_, j) => (i * j) % vocabularySize)),
    vocabularySize,
  );
  const path = join(dir(), `${vocabularySize}.arrow`);
  await writeSentences(path, many);
  const read = await readSentences(path);
  expect(read).toEqual(many);
  expect(read.inputIds.buffer).toBe(read.lines.buffer);
});

test("no sentence at all is an Arrow file too", async () => {
  const path = join(dir(), "empty.arrow");
  await writeSentences(path, sentences([]));
  expect(await readSentences(path)).toEqual(sentences([]));
});

test("an Arrow file that is missing, cut short or of another kind is named in one line", async () => {
  const whole = join(dir(), "whole.arrow");
  await writeSentences(whole, three);
  const cut = join(dir(), "cut.arrow");
  writeFileSync(cut, readFileSync(whole).subarray(0, 500));
  const text = join(dir(), "text.arrow");
  writeFileSync(text, "no Arrow");
  for (const path of [cut, text, join(dir(), "none.arrow")]) {
    await expect(readSentences(path)).rejects.toThrow(/^\S+\.arrow: expected an Arrow file of sentences, .+$/);
  }
});
