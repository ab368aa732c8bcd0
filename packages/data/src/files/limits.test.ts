import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { readSentences, writeSentences } from "../corpus/arrow.ts";
import { sealed, unseal } from "./arrow.ts";
import { readParquet } from "../glue/parquet.ts";
import { readLines } from "../text/lines.ts";

const dir = temporaryDir();
const samples = join(import.meta.dirname, "../../../../tools/faults/src/fuzz/samples");

async function lines(path: string): Promise<number> {
  let count = 0;
  for await (const some of readLines(path)) count += some.length;
  return count;
}

it("a gzip that unpacks to a thousand times its size is refused, and so is a line without an end", async () => {
  const bomb = join(dir(), "bomb.gz");
  writeFileSync(bomb, Buffer.concat(Array<Buffer>(8).fill(gzipSync(Buffer.alloc(2 ** 24, "a\n")))));
  await expect(lines(bomb)).rejects.toThrow(
    `${bomb}: expected a text, got one that unpacks to more than 100 times its size`,
  );
  const line = join(dir(), "line.txt");
  writeFileSync(line, Buffer.alloc(2 ** 23, "a"));
  await expect(lines(line)).rejects.toThrow(
    `${line}: expected lines of at most 4,194,304 characters, got a longer one`,
  );
  writeFileSync(line, "a\n".repeat(2 ** 20));
  expect(await lines(line)).toBe(2 ** 20);
});

it("an Arrow file whose lists lie elsewhere, or that claims more than it has, is refused", async () => {
  const path = join(dir(), "sentences.arrow");
  const offsets = Int32Array.of(0, 1, 3);
  const columns = {
    inputIds: Uint16Array.of(5, 6, 7),
    keywordMask: Uint8Array.of(1, 0, 1),
    lines: Uint32Array.of(0, 1),
  };
  await writeSentences(path, { length: 2, offsets, ...columns });
  expect((await readSentences(path)).inputIds).toEqual(Uint16Array.of(5, 6, 7));
  const whole = readFileSync(path);
  unseal(whole);
  const at = whole.indexOf(Buffer.from(offsets.buffer));
  for (const wrong of [-1, 4, 2 ** 30]) {
    const changed = Buffer.from(whole);
    changed.writeInt32LE(wrong, at + 4);
    writeFileSync(path, sealed(changed));
    await expect(readSentences(path)).rejects.toThrow(
      `${path}: expected an Arrow file of sentences, got lists that lie elsewhere`,
    );
  }
  // Each byte once, under the digest of what it makes: nothing hangs, nothing is said of the library's inside.
  for (let i = 0; i < whole.length; i += 3) {
    const changed = Buffer.from(whole);
    changed[i]! ^= 0xff;
    writeFileSync(path, sealed(changed));
    const said = await readSentences(path).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(said).toMatch(/^$|: expected an Arrow file of sentences, (got|found) /);
    expect(said).not.toMatch(/Cannot read|is not a function|out of bounds/);
  }
});

it("a Parquet file that claims more rows or bytes than GLUE has is refused before they are made", async () => {
  const sample = readFileSync(join(samples, "plain.parquet"));
  const path = join(dir(), "claims.parquet");
  writeFileSync(path, sample);
  expect((await readParquet(path)).rows).toBe(12);
  for (let i = 4; i < sample.length; i += 5) {
    const changed = Buffer.from(sample);
    changed[i] = 0xff;
    writeFileSync(path, changed);
    const said = await readParquet(path).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(said).toMatch(/^$|: expected a whole Parquet file, (got|found) /);
    expect(said).not.toMatch(/Cannot read|is not a function|Invalid (typed )?array/);
  }
});
