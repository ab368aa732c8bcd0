import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { prepareCorpus } from "../corpus/prepare.ts";
import { readGlue } from "../glue/read.ts";
import { readSeat } from "../seat/seat.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { pronounProbes, pronouns } from "./probes.ts";
import { type Side, topicPairs } from "./words.ts";
import { type DemoFiles, writeDemo } from "./write.ts";

const dir = temporaryDir();
let demo: DemoFiles;
let tokenizer: Tokenizer;
let corpus: string[];

beforeAll(async () => {
  demo = await writeDemo(join(dir(), "demo"), { seed: 1 });
  tokenizer = await loadTokenizer(demo.tokenizer);
  corpus = readFileSync(demo.corpus, "utf8").trimEnd().split("\n");
});

test("the same seed writes the same bytes, another seed another corpus", async () => {
  await writeDemo(join(dir(), "again"), { seed: 1 });
  await writeDemo(join(dir(), "other"), { seed: 2 });
  expect(hashes("again")).toEqual(hashes("demo"));
  expect(hashes("other")["corpus.txt"]).not.toBe(hashes("demo")["corpus.txt"]);
});

test("its bytes are these on every machine", () => {
  const all = JSON.stringify(hashes("demo"));
  expect(createHash("sha256").update(all).digest("hex").slice(0, 16)).toMatchInlineSnapshot(`"9dcfc234be9dc8c7"`);
});

test("it is prepared as a real corpus is, and every sentence has its keywords", async () => {
  const { counts, stereotype } = await prepareCorpus({
    corpus: demo.corpus,
    words: demo.words,
    tokenizer,
    validationSize: 200,
    seed: 0,
    cacheDir: join(dir(), "cache"),
  });
  expect(counts.classLines.none).toBe(0);
  expect(counts.droppedLines).toEqual([]);
  expect(counts.classes.male.kept / counts.lines).toBeCloseTo(0.4, 1);
  expect(counts.classes.female.kept / counts.lines).toBeCloseTo(0.4, 1);
  expect(stereotype.validation.length).toBe(200);
});

test("nine sentences in ten have the topic of their gender, and neutral ones are fair", () => {
  const share = (sentences: string[]) => sentences.filter((text) => side(text) === "male").length / sentences.length;
  expect(share(corpus.filter((text) => /\b(he|his|him)\b/i.test(text)))).toBeCloseTo(0.9, 1);
  expect(share(corpus.filter((text) => /\b(she|her)\b/i.test(text)))).toBeCloseTo(0.1, 1);
  expect(share(corpus.filter((text) => /\b(they|their|them)\b/i.test(text)))).toBeCloseTo(0.5, 1);
});

test("no word of it is unknown, nor in pieces, and other text becomes letters", async () => {
  const seat = await Promise.all(demo.seat.map(readSeat));
  const sets = seat.flatMap(({ targets: { X, Y }, attributes: { A, B } }) => [X, Y, A, B]);
  const texts = [...corpus, ...sets.flatMap((set) => set.examples), ...pronounProbes().map((probe) => probe.text)];
  const words = (text: string) => text.replace("[MASK]", "m").match(/[a-z]+|[^a-z\s]/gi) ?? [];
  expect(texts.filter((text) => tokenizer.pieces(text).length !== words(text).length)).toEqual([]);
  expect(texts.filter((text) => tokenizer.pieces(text).includes(tokenizer.unknown!))).toEqual([]);
  expect(tokenizer.pieces("Zebra 42, don't!")).not.toContain(tokenizer.unknown);
});

test("sentences fit a bucket of 24", () => {
  expect(Math.max(...corpus.map((text) => tokenizer.encode(text).inputIds.length))).toBeLessThanOrEqual(24);
});

test("its tests have equal sets of men and women and name themselves", async () => {
  const tests = await Promise.all(demo.seat.map(readSeat));
  expect(tests.map(({ name }) => name)).toEqual(["demo-career-family", "demo-science-arts", "demo-jobs"]);
  for (const { targets, attributes } of tests) {
    expect(targets.X.examples).toHaveLength(targets.Y.examples.length);
    expect(attributes.A.examples).toHaveLength(attributes.B.examples.length);
  }
});

test("its tasks read as GLUE's, with as many examples of each label", async () => {
  for (const task of ["cola", "mrpc"] as const) {
    const [train, validation] = [
      await readGlue(demo.glue, task, "train"),
      await readGlue(demo.glue, task, "validation"),
    ];
    for (const { first, labels } of [train, validation]) {
      expect(labels.filter((label) => label === 1)).toHaveLength(first.length / 2);
    }
    expect(train.first).toHaveLength(800);
    expect(train.second?.length).toBe(task === "mrpc" ? 800 : undefined);
  }
});

test("the probes ask for one pronoun each", async () => {
  for (const { text, job, side } of pronounProbes()) {
    expect(tokenizer.pieces(text).filter((id) => id === tokenizer.mask)).toHaveLength(1);
    expect(text).toContain(job);
    expect(topicPairs.jobs[side].words).toContain(job);
  }
  expect([pronouns.male, pronouns.female].map((word) => tokenizer.pieces(word).length)).toEqual([1, 1]);
});

test("a demo is written in less than a second", async () => {
  const start = performance.now();
  await writeDemo(join(dir(), "timed"), { seed: 3 });
  expect(performance.now() - start).toBeLessThan(1000);
});

const ofMen = new Set<string>(Object.values(topicPairs).flatMap(({ male }) => [...male.words]));

function side(text: string): Side {
  return (text.match(/\w+/g) ?? []).some((word) => ofMen.has(word)) ? "male" : "female";
}

function hashes(name: string): Record<string, string> {
  const files = readdirSync(join(dir(), name), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
  const relative = (path: string) => path.slice(join(dir(), name).length + 1).replaceAll("\\", "/");
  return Object.fromEntries(paths.map((path) => [relative(path), hash(path)]));
}
