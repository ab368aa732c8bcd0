import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  loadTokenizer,
  prepareCorpus,
  prepareGlue,
  readEmbeddings,
  readGlue,
  readLines,
  readSentences,
  readWordList,
  writeDemo,
  writeEmbeddings,
} from "@pruning-bias/data";
import { mutateBytes } from "../bytes.ts";
import { mutateJson } from "../json.ts";
import { mutateLines } from "../lines.ts";
import type { Reader } from "../reader.ts";
import { fileCase } from "./file.ts";

const demo = (folder: string) => writeDemo(folder, { seed: 1, sentences: 120 });

/** 64 MiB of one letter in 64 kB, as often as it takes to fill a memory: a line that never ends. */
const bomb = () => Buffer.concat(Array<Buffer>(64).fill(gzipSync(Buffer.alloc(2 ** 26, "a"))));

export const corpora: readonly Reader[] = [
  {
    name: "corpus, plain and gzip",
    async prepare(folder) {
      const text = await readFile((await demo(folder)).corpus, "utf8");
      const [packed, endless] = [gzipSync(text), bomb()];
      const path = join(folder, "malformed.gz");
      return (random) => {
        const bytes = random.chance(0.02)
          ? endless
          : random.pick([
              () => mutateBytes(packed, random),
              () => gzipSync(mutateLines(text, random)),
              () => mutateLines(text, random),
            ])();
        return fileCase(path, bytes, () => counted(path));
      };
    },
  },
  {
    name: "word list",
    async prepare(folder) {
      const { words } = await demo(folder);
      const text = await readFile(words.male, "utf8");
      return (random) => fileCase(words.male, mutateLines(text, random), () => readWordList(words.male));
    },
  },
  {
    name: "prepared sentences (Arrow)",
    async prepare(folder) {
      const { dir } = await prepared(folder);
      const path = join(dir, "male.arrow");
      const whole = await readFile(path);
      return (random) =>
        fileCase(path, mutateBytes(whole, random), async () => {
          const { length, offsets, inputIds, keywordMask, lines } = await readSentences(path);
          const right =
            offsets.length === length + 1 &&
            lines.length === length &&
            offsets.every((at, i) => at >= (offsets[i - 1] ?? 0)) &&
            offsets.at(-1) === inputIds.length &&
            keywordMask.length === inputIds.length;
          if (!right) throw new TypeError("sentences that do not fit together");
        });
    },
  },
  {
    name: "kept embeddings (Arrow)",
    async prepare(folder) {
      const path = join(folder, "embeddings.arrow");
      await writeEmbeddings(path, { rows: Uint32Array.of(3, 1, 2), values: new Float32Array(12).fill(0.5), width: 4 });
      const whole = await readFile(path);
      return (random) =>
        fileCase(path, mutateBytes(whole, random), async () => {
          const { rows, values, width } = await readEmbeddings(path);
          if (values.length !== rows.length * width) throw new TypeError("embeddings that do not fit together");
        });
    },
  },
  {
    name: "manifest of prepared sentences (JSON)",
    async prepare(folder) {
      const { dir, again } = await prepared(folder);
      const path = join(dir, "manifest.json");
      const whole = JSON.parse(await readFile(path, "utf8")) as unknown;
      const backup = join(folder, "whole");
      await cp(dir, backup, { recursive: true });
      return async (random) => {
        await cp(backup, dir, { recursive: true });
        return fileCase(path, mutateJson(whole, random), again);
      };
    },
  },
  {
    name: "GLUE task (tab-separated)",
    async prepare(folder) {
      const { glue } = await demo(folder);
      const path = join(glue, "cola", "validation.tsv");
      const text = (await readFile(path, "utf8")).split("\n").slice(0, 30).join("\n");
      return (random) => fileCase(path, mutateLines(text, random), () => readGlue(glue, "cola", "validation"));
    },
  },
  {
    name: "GLUE task (Parquet)",
    async prepare(folder) {
      await demo(folder);
      const glue = join(folder, "glue");
      const path = join(glue, "cola", "test-00000-of-00001.parquet");
      const samples = await Promise.all(
        ["snappy", "plain"].map((name) => readFile(join(import.meta.dirname, "../samples", `${name}.parquet`))),
      );
      return (random) =>
        fileCase(path, mutateBytes(random.pick(samples), random), () => readGlue(glue, "cola", "test"));
    },
  },
  {
    name: "kept GLUE tokens (Arrow)",
    async prepare(folder) {
      const { glue, tokenizer: tokenizerFolder } = await demo(folder);
      const lines = (await readFile(join(glue, "mrpc", "train.tsv"), "utf8")).split("\n").slice(0, 30);
      await writeFile(join(glue, "mrpc", "train.tsv"), `${lines.join("\n")}\n`);
      const tokenizer = await loadTokenizer(tokenizerFolder);
      const options = { dir: glue, task: "mrpc", split: "train", tokenizer, cacheDir: folder } as const;
      await prepareGlue(options);
      const path = join(folder, "glue-tokens", (await readdir(join(folder, "glue-tokens")))[0]!);
      const whole = await readFile(path);
      return (random) =>
        fileCase(path, mutateBytes(whole, random), async () => {
          const { length, offsets, inputIds, tokenTypeIds } = await prepareGlue(options);
          const right =
            length === 29 &&
            offsets.length === 30 &&
            offsets.every((at, i) => at >= (offsets[i - 1] ?? 0)) &&
            inputIds.length === tokenTypeIds.length;
          if (!right) throw new TypeError("tokens that do not fit together");
        });
    },
  },
];

async function prepared(folder: string) {
  const { corpus, words, tokenizer } = await demo(folder);
  const options = { corpus, words, seed: 1, cacheDir: folder, tokenizer: await loadTokenizer(tokenizer) };
  const again = () => prepareCorpus(options);
  return { dir: (await again()).dir, again };
}

async function counted(path: string): Promise<number> {
  let count = 0;
  for await (const lines of readLines(path)) count += lines.length;
  return count;
}
