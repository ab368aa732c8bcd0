import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readSentences, sentencesOf, writeSentences } from "../index.ts";

it.each([1, 20_000])("%i sentences come back to the bit, and a flipped bit is noticed", async (count) => {
  const path = join(await mkdtemp(join(tmpdir(), "arrow-")), "s.arrow");
  const ids = Array.from({ length: count }, (_, n) =>
    Array.from({ length: 1 + (n % 40) }, (__, i) => (n * 31 + i) % 999),
  );
  const sentences = sentencesOf(ids);
  await writeSentences(path, sentences);
  expect(await readSentences(path)).toEqual(sentences);
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
  await expect(readSentences(path)).rejects.toThrow(/s\.arrow: expected an Arrow file of sentences, got other bytes/);
});
