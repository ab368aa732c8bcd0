import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { corpusTexts } from "./texts.ts";

const dir = temporaryDir();

it("texts come in the order asked for, also twice, out of a gzip as well", async () => {
  const corpus = join(dir(), "corpus.txt.gz");
  writeFileSync(corpus, gzipSync("zero\none\ntwo\nthree\n"));
  expect(await corpusTexts({ corpus, cacheDir: dir() }, Uint32Array.of(3, 0, 3))).toEqual(["three", "zero", "three"]);
});

it("a line that is not there is refused", async () => {
  const corpus = join(dir(), "short.txt");
  writeFileSync(corpus, "zero\none\n");
  const texts = corpusTexts({ corpus, cacheDir: dir() }, [0, 5]);
  await expect(texts).rejects.toThrow(`${corpus}: expected more than 5 lines, got 2`);
});
