import { rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { hashFile, hashJson, makeFolder, removeLeftovers, temporaryName } from "@pruning-bias/files";
import { download, type Fetch, isUrl } from "../files/download.ts";
import { readLines } from "../text/lines.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { readSentences, writeSentences } from "./arrow.ts";
import { type ClassName, classNames } from "./classify.ts";
import { readManifest, writeManifest } from "./manifest.ts";
import { byClass, type CorpusCounts, type Selected, selectSentences } from "./select.ts";
import { split, type Split } from "./split.ts";
import { readWordList, type WordList } from "./words.ts";

/** What `prepareCorpus` reads, and how it splits it. */
export interface PrepareOptions {
  /** One sentence a line, gzip or plain: a path or a URL. */
  readonly corpus: string;
  /** One word a line: paths or URLs. */
  readonly words: Readonly<Record<ClassName, string>>;
  /** What makes tokens of sentences. */
  readonly tokenizer: Tokenizer;
  /** Sentences of each class set aside for validation, 1000 by default; of a class with fewer than twice as many, a tenth. */
  readonly validationSize?: number;
  /** Of the split. */
  readonly seed: number;
  /** Where prepared sentences and what URLs name are kept. */
  readonly cacheDir: string;
  /** What fetches URLs; the global one by default. */
  readonly fetch?: Fetch | undefined;
  /** Told how much of the corpus has been read. */
  readonly onProgress?: ((progress: PrepareProgress) => void) | undefined;
  /** Told of kept files that are damaged, and made again. */
  readonly onDamaged?: ((problem: string) => void) | undefined;
  /** Told of a download that has changed since it came, before it is fetched again; nobody by default. */
  readonly onDamagedDownload?: ((problem: string) => void) | undefined;
}

/** How much of the corpus file has been read. */
export interface PrepareProgress {
  /** Read so far. */
  readonly bytes: number;
  /** Of the file. */
  readonly totalBytes: number;
}

/** A corpus made ready: the sentences of each class, split, and what they were made from. */
export type DebiasData = Readonly<Record<ClassName, Split>> & {
  /** A hash of all that decides the sentences and their split. */
  readonly fingerprint: string;
  /** The folder with `male.arrow`, `female.arrow` and `stereotype.arrow`: all sentences of a class, in the corpus' order. */
  readonly dir: string;
  /** What the corpus holds. */
  readonly counts: CorpusCounts;
};

/**
 * Corpus and word lists to the tokenised sentences of the three classes (Kaneko and Bollegala 2021, section 3).
 *
 * Sentences are kept as Arrow files in `cacheDir`, under a hash of the contents of their inputs; the split is drawn
 * anew from the seed. Throws one line that says where, what was expected and what came.
 */
export async function prepareCorpus(options: PrepareOptions): Promise<DebiasData> {
  const { tokenizer, validationSize = 1000, seed, cacheDir, fetch, onProgress } = options;
  const local = async (source: string) =>
    isUrl(source) ? download({ url: source, cacheDir, fetch, onDamaged: options.onDamagedDownload }) : source;
  const corpus = await local(options.corpus);
  const lists = {
    male: await readWordList(await local(options.words.male)),
    female: await readWordList(await local(options.words.female)),
    stereotype: await readWordList(await local(options.words.stereotype)),
  };
  const key = hashJson({
    format,
    corpus: await hashFile(corpus, "a corpus"),
    words: byClass((name) => [...lists[name].words].sort()),
    tokenizer: tokenizer.fingerprint,
  });
  const dir = join(cacheDir, `sentences-${key.slice(0, 24)}`);
  const { sentences, counts } =
    (await readCached(dir, options.onDamaged)) ??
    (await cached(dir, await select(corpus, options, lists, tokenizer, onProgress)));
  const fingerprint = hashJson({ key, seed, validationSize });
  return { ...byClass((name) => split(sentences[name], { seed, validationSize, name })), counts, fingerprint, dir };
}

/** Raise when the same inputs give other files, so that older ones are left alone. */
const format = 1;

async function select(
  corpus: string,
  { corpus: source, words: names }: PrepareOptions,
  lists: Readonly<Record<ClassName, WordList>>,
  tokenizer: Tokenizer,
  onProgress: PrepareOptions["onProgress"],
): Promise<Selected> {
  const { size: totalBytes } = await stat(corpus);
  const onRead = onProgress === undefined ? {} : { onRead: (bytes: number) => onProgress({ bytes, totalBytes }) };
  const words = byClass((name) => lists[name].words);
  const selected = await selectSentences(readLines(corpus, onRead), words, tokenizer);
  const { counts } = selected;
  for (const name of classNames) {
    if (counts.classes[name].kept > 0) continue;
    const others = classNames
      .filter((other) => other !== name)
      .map((other) => `${other} ${counts.classes[other].kept}`);
    throw new Error(
      `${source}: expected sentences with words of ${basename(names[name])}, found none (${others.join(", ")})`,
    );
  }
  return selected;
}

async function readCached(dir: string, onDamaged: PrepareOptions["onDamaged"]): Promise<Selected | undefined> {
  const manifest = await readManifest(dir);
  if (manifest === undefined) return undefined;
  try {
    const read = classNames.map((name) => readSentences(join(dir, file(name))));
    const [male, female, stereotype] = await Promise.all(read);
    return { sentences: { male: male!, female: female!, stereotype: stereotype! }, counts: manifest.counts };
  } catch (error) {
    onDamaged?.((error as Error).message);
    await rm(dir, { recursive: true, force: true });
    return undefined;
  }
}

/** Puts a folder in place at once, so that it is there whole or not at all. */
async function cached(dir: string, selected: Selected): Promise<Selected> {
  const temporary = temporaryName(dir);
  try {
    await makeFolder(temporary);
    await removeLeftovers(dir);
    for (const name of classNames) await writeSentences(join(temporary, file(name)), selected.sentences[name]);
    await writeManifest(temporary, { counts: selected.counts, files: classNames.map(file) });
    // Another process may have been faster; its files are the same. What is there otherwise is incomplete.
    if ((await readManifest(dir)) !== undefined) return selected;
    await rm(dir, { recursive: true, force: true });
    await rename(temporary, dir).catch(async (error: unknown) => {
      if ((await readManifest(dir)) === undefined) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return selected;
}

const file = (name: ClassName): string => `${name}.arrow`;
