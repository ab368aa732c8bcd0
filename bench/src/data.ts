import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTokenizer, prepareCorpus } from "@pruning-bias/data";
import type { Flags } from "./flags.ts";
import { peakMegabytes, round } from "./measure.ts";

/** Corpus to tokenised sentences on disk, from nothing. */
export async function data({ corpus, words, tokenizer }: Pick<Flags, "corpus" | "words" | "tokenizer">) {
  if (corpus === undefined || words === undefined || tokenizer === undefined) {
    throw new Error("bench data: expected --corpus FILE, --words FOLDER and --tokenizer FOLDER, got less");
  }
  const cacheDir = await mkdtemp(join(tmpdir(), "bench-data-"));
  const list = (name: string) => join(words, `${name}.txt`);
  const start = performance.now();
  const { counts } = await prepareCorpus({
    ...{ corpus, cacheDir, seed: 42, tokenizer: await loadTokenizer(tokenizer) },
    words: { female: list("female"), male: list("male"), stereotype: list("stereotype") },
  });
  const seconds = (performance.now() - start) / 1000;
  await rm(cacheDir, { recursive: true });
  return {
    seconds: round(seconds),
    lines_per_second: Math.round(counts.lines / seconds),
    peak_rss_mb: peakMegabytes(),
  };
}
