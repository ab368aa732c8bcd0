import { join } from "node:path";
import { writeWhole } from "@pruning-bias/files";
import { writeTsv } from "../glue/tsv.ts";
import { writeSeat } from "../seat/seat.ts";
import { wordPieceJson } from "../tokenizer/word-piece.ts";
import { demoCorpus, demoWords } from "./corpus.ts";
import { demoAcceptability, demoSameTopic } from "./glue.ts";
import { demoSeat } from "./seat.ts";
import { demoVocabulary } from "./tokenizer.ts";

/** How the made-up corpus is drawn. */
export interface DemoOptions {
  /** Of all that is drawn. */
  readonly seed: number;
  /** Lines of the corpus; 10,000 by default. */
  readonly sentences?: number;
  /** How strongly topics are tied to gender: .5 not at all, 1 without exception; .9 by default. */
  readonly skew?: number;
}

/** Where the parts of the demo lie, in the forms in which `prepareCorpus` and the others read real data. */
export interface DemoFiles {
  /** One sentence a line. */
  readonly corpus: string;
  /** One word a line, of each class. */
  readonly words: { readonly male: string; readonly female: string; readonly stereotype: string };
  /** A folder for `loadTokenizer`. */
  readonly tokenizer: string;
  /** Tests for `readSeat`. */
  readonly seat: readonly string[];
  /** A folder for `readGlue`, with made-up tasks in the form of `cola` and `mrpc`. */
  readonly glue: string;
}

/**
 * Writes the demo's data, all of it made up here: the same options give the same bytes.
 *
 * @throws RangeError for `sentences` that are no whole number above 0, or a `skew` that is no share
 */
export async function writeDemo(
  dir: string,
  { seed, sentences = 10_000, skew = 0.9 }: DemoOptions,
): Promise<DemoFiles> {
  if (!(Number.isInteger(sentences) && sentences > 0)) {
    throw new RangeError(`demo: sentences: expected a whole number above 0, got ${sentences}`);
  }
  if (!(skew >= 0 && skew <= 1)) throw new RangeError(`demo: skew: expected a share from 0 to 1, got ${skew}`);
  const words = demoWords();
  const tests = demoSeat();
  const file = (name: string): string => join(dir, "words", `${name}.txt`);
  const files: DemoFiles = {
    corpus: join(dir, "corpus.txt"),
    words: { male: file("male"), female: file("female"), stereotype: file("stereotype") },
    tokenizer: join(dir, "tokenizer"),
    seat: tests.map(({ name }) => join(dir, "seat", `${name}.jsonl`)),
    glue: join(dir, "glue"),
  };
  await writeWhole(files.corpus, lines(demoCorpus({ seed, sentences, skew })));
  for (const name of ["male", "female", "stereotype"] as const) await writeWhole(files.words[name], lines(words[name]));
  await writeTokenizer(files.tokenizer);
  for (const [i, test] of tests.entries()) await writeSeat(files.seat[i]!, test);
  for (const [split, rows] of Object.entries({ train: 800, validation: 200 })) {
    const numbered = (rows: readonly (readonly (string | number)[])[]) => rows.map((row, i) => [...row, i]);
    const cola = numbered(demoAcceptability(seed, split, rows));
    await writeTsv(join(files.glue, "cola", `${split}.tsv`), ["sentence", "label", "idx"], cola);
    const mrpc = numbered(demoSameTopic(seed, split, rows));
    await writeTsv(join(files.glue, "mrpc", `${split}.tsv`), ["sentence1", "sentence2", "label", "idx"], mrpc);
  }
  return files;
}

async function writeTokenizer(dir: string): Promise<void> {
  const vocabulary = demoVocabulary();
  const config = {
    tokenizer_class: "BertTokenizer",
    do_lower_case: true,
    model_max_length: 128,
    pad_token: "[PAD]",
    unk_token: "[UNK]",
    cls_token: "[CLS]",
    sep_token: "[SEP]",
    mask_token: "[MASK]",
  };
  await writeWhole(join(dir, "tokenizer.json"), `${JSON.stringify(wordPieceJson(vocabulary), null, 2)}\n`);
  await writeWhole(join(dir, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeWhole(join(dir, "vocab.txt"), lines(vocabulary));
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");
