import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DebiasData, loadTokenizer, prepareCorpus, take } from "@pruning-bias/data";
import type { DebiasSentences } from "@pruning-bias/debias";
import type { Flags } from "./flags.ts";

/** A corpus split and tokenised as a run would have it, in a temporary folder. */
export async function corpusOf(
  name: string,
  { corpus, words, tokenizer }: Pick<Flags, "corpus" | "words" | "tokenizer">,
): Promise<DebiasData> {
  if (corpus === undefined || words === undefined || tokenizer === undefined) {
    throw new Error(`bench ${name}: expected --corpus FILE, --words FOLDER and --tokenizer FOLDER, got less`);
  }
  const list = (of: string) => join(words, `${of}.txt`);
  return prepareCorpus({
    ...{ corpus, cacheDir: await mkdtemp(join(tmpdir(), `bench-${name}-`)), seed: 42 },
    tokenizer: await loadTokenizer(tokenizer),
    words: { female: list("female"), male: list("male"), stereotype: list("stereotype") },
  });
}

/** The sentences of a part. */
export const part = (data: DebiasData, of: "train" | "validation"): DebiasSentences => ({
  targets: data.stereotype[of],
  male: data.male[of],
  female: data.female[of],
});

/** No more than the first `most` of each class. */
export const first = ({ targets, male, female }: DebiasSentences, most: number): DebiasSentences => {
  const cut = (sentences: DebiasSentences["male"]) =>
    take(
      sentences,
      Array.from({ length: Math.min(most, sentences.length) }, (_, row) => row),
    );
  return { targets: cut(targets), male: cut(male), female: cut(female) };
};
