import { cp, mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  prepareCorpus,
  readEmbeddings,
  readSentences,
  sentencesOf,
  writeDemo,
  writeEmbeddings,
  writeSentences,
  loadTokenizer,
} from "@pruning-bias/data";
import { ndarray, readSafetensors, writeSafetensors } from "@pruning-bias/runtime";
import { initialState, readTrainingState, writeTrainingState } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { flipBit } from "./damage.ts";
import { draw } from "./draw.ts";

// The short form of `pnpm faults damage`: the readers themselves, many bits of each kind of file.
const BITS = 60;
const temporary = () => mkdtemp(join(tmpdir(), "faults-flips-"));
const array = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i));

/** A file, and what reads it. */
interface Kept {
  readonly path: string;
  readonly read: () => Promise<unknown>;
}

const kinds: Readonly<Record<string, (dir: string) => Promise<Kept>>> = {
  async "Arrow, sentences"(dir) {
    const path = join(dir, "s.arrow");
    await writeSentences(
      path,
      sentencesOf([
        [2, 7, 9, 3],
        [2, 5, 3],
      ]),
    );
    return { path, read: () => readSentences(path) };
  },
  async "Arrow, embeddings"(dir) {
    const path = join(dir, "e.arrow");
    await writeEmbeddings(path, { rows: Uint32Array.of(1, 5), values: array(16), width: 8 });
    return { path, read: () => readEmbeddings(path) };
  },
  async safetensors(dir) {
    const path = join(dir, "t.safetensors");
    await writeSafetensors(path, { w: ndarray(array(30), [5, 6]) }, { format: "pt" });
    // A bit in the name of the digest leaves all else as it was.
    const read = async () => {
      const { tensors, metadata } = await readSafetensors(path);
      return { tensors, format: metadata["format"] };
    };
    return { path, read };
  },
  async "checkpoint, its list"(dir) {
    const state = await writeTrainingState(dir, aState());
    return { path: join(state, "state.json"), read: () => readTrainingState(state) };
  },
  async "checkpoint, its tensors"(dir) {
    const state = await writeTrainingState(dir, aState());
    return { path: join(state, "v.safetensors"), read: () => readTrainingState(state) };
  },
};

const aState = () => ({
  ...{ step: 3, optimizer: initialState({ w: ndarray(array(12), [12]) }), arrays: {} },
  values: { log: { metrics: 1234, seconds: 1.5 } },
});

describe.each(Object.entries(kinds))("%s", (kind, write) => {
  it(`of ${BITS} flipped bits none passes for what was written`, async () => {
    const dir = await temporary();
    const { path, read } = await write(dir);
    const whole = await read();
    const kept = `${path}.kept`;
    await cp(path, kept);
    for (let n = 0; n < BITS; n++) {
      await cp(kept, path);
      const bit = flipBit(path, draw(1, kind, n));
      const isSurvived = await read().then(
        (value) => isDeepStrictEqual(value, whole) || value,
        ({ message }: Error) => /^\S*(arrow|safetensors|state\.json): [^\n]+$/.test(message) || message,
      );
      expect(isSurvived, bit).toBe(true);
    }
  });
});

it("prepared sentences that are damaged are made again, and named", async () => {
  const dir = await temporary();
  const files = await writeDemo(dir, { seed: 1, sentences: 200 });
  const tokenizer = await loadTokenizer(files.tokenizer);
  const problems: string[] = [];
  const prepare = () =>
    prepareCorpus({
      ...{
        corpus: files.corpus,
        words: files.words,
        tokenizer,
        validationSize: 5,
        seed: 1,
        cacheDir: join(dir, "cache"),
      },
      onDamaged: (problem) => problems.push(problem),
    });
  const first = await prepare();
  const path = join(first.dir, "male.arrow");
  const whole = await readFile(path);
  flipBit(path, 0.5);
  expect(await prepare()).toEqual(first);
  expect(problems).toEqual([
    expect.stringMatching(/male\.arrow: expected an Arrow file of sentences, got other bytes/),
  ]);
  expect(await readFile(path)).toEqual(whole);
});
