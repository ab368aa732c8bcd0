import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { loadTokenizer, writeDemo } from "@pruning-bias/data";
import { mutateJson } from "../json.ts";
import { mutateLines } from "../lines.ts";
import type { Reader } from "../reader.ts";
import { fileCase } from "./file.ts";

const texts = [
  "The nurse said that she was late.",
  "",
  "naïve 北京 [MASK] \u0000\ud800",
  "x".repeat(3000),
  "a ".repeat(500),
];

/** Loads a folder's tokenizer and tokenises: what it takes must make ids that its model can have. */
async function tokenise(folder: string): Promise<void> {
  const tokenizer = await loadTokenizer(folder);
  for (const text of texts) {
    const { inputIds, tokenTypeIds } = tokenizer.encode(text, "and he was early");
    const right = inputIds.length === tokenTypeIds.length && inputIds.length <= tokenizer.maxLength;
    const known = inputIds.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize);
    if (!right || !known) throw new TypeError(`ids that are none: ${inputIds.slice(0, 9).join(" ")}`);
    tokenizer.decode(inputIds);
  }
}

async function folderOf(folder: string): Promise<string> {
  return (await writeDemo(folder, { seed: 1, sentences: 10 })).tokenizer;
}

/** The parts that other families' files are made of, so that their code is reached. */
const parts = [
  {
    normalizer: { type: "Sequence", normalizers: [{ type: "NFKD" }, { type: "StripAccents" }, { type: "Lowercase" }] },
  },
  { normalizer: { type: "Replace", pattern: { Regex: "(a+)+$" }, content: "" } },
  { normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } },
  { pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true } },
  { pre_tokenizer: { type: "Split", pattern: { Regex: "(x|xx)*y" }, behavior: "Isolated", invert: false } },
  { pre_tokenizer: { type: "Metaspace", replacement: "▁", add_prefix_space: true } },
  { post_processor: { type: "RobertaProcessing", sep: ["[SEP]", 2], cls: ["[CLS]", 1], trim_offsets: true } },
  {
    model: {
      type: "Unigram",
      unk_id: 1,
      vocab: [
        ["[PAD]", 0],
        ["[UNK]", -1],
        ["[CLS]", -2],
        ["[SEP]", -3],
        ["▁a", -4],
      ],
    },
  },
  {
    model: {
      type: "BPE",
      vocab: { "[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, a: 4, b: 5, ab: 6 },
      merges: ["a b"],
    },
  },
];

export const tokenizers: readonly Reader[] = [
  {
    name: "tokenizer.json",
    async prepare(folder) {
      const dir = await folderOf(folder);
      const path = join(dir, "tokenizer.json");
      const whole = JSON.parse(await readFile(path, "utf8")) as object;
      return async (random) => {
        const other = random.chance(0.3) ? { ...whole, ...random.pick(parts) } : whole;
        const written = await fileCase(path, mutateJson(other, random), () => tokenise(dir));
        return { ...written, places: [dir] };
      };
    },
  },
  {
    name: "tokenizer_config.json",
    async prepare(folder) {
      const dir = await folderOf(folder);
      const path = join(dir, "tokenizer_config.json");
      const whole = JSON.parse(await readFile(path, "utf8")) as unknown;
      return async (random) => {
        const written = await fileCase(path, mutateJson(whole, random), () => tokenise(dir));
        return { ...written, places: [dir] };
      };
    },
  },
  {
    name: "vocab.txt",
    async prepare(folder) {
      const dir = await folderOf(folder);
      const path = join(dir, "vocab.txt");
      const text = await readFile(path, "utf8");
      await rm(join(dir, "tokenizer.json"));
      return async (random) => {
        const written = await fileCase(path, mutateLines(text, random), () => tokenise(dir));
        return { ...written, places: [dir] };
      };
    },
  },
];
