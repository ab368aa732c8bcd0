import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoSides } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { compiler } from "@pruning-bias/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { complete } from "./complete.ts";
import { demoModel } from "./demo-model.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "demo-model-"));
});
afterAll(() => rm(dir, { recursive: true }));

it("complete hands over what is yielded, and what is returned in the end", async () => {
  async function* run() {
    yield 1;
    yield 2;
    return "done";
  }
  const seen: number[] = [];
  expect(await complete(run(), (event) => seen.push(event))).toBe("done");
  expect(seen).toEqual([1, 2]);
});

it("a demo's model is learnt, saved and the same for the same seed", async () => {
  const options = { steps: 4, sentences: 600, validationSize: 20, hiddenSize: 16, jit: compiler({ threads: 1 }) };
  const losses: number[] = [];
  const first = await demoModel(join(dir, "a"), { ...options, onStep: ({ loss }) => losses.push(loss) });
  expect(losses).toHaveLength(4);
  const again = await demoModel(join(dir, "b"), options);
  const stored = await loadCheckpoint(first.checkpoint.dir);
  for (const [name, { data }] of Object.entries(first.checkpoint.weights)) {
    expect(again.checkpoint.weights[name]!.data, name).toEqual(data);
    expect(stored.weights[name]!.data, name).toEqual(data);
  }
  expect(first.corpus.male.validation).toHaveProperty("length", 20);
});

it("the words of one gender start on one side, those of the other on the other", async () => {
  const { checkpoint, tokenizer } = await demoModel(dir, { steps: 0, planted: 1, sentences: 600, hiddenSize: 16 });
  const { data } = checkpoint.weights["embeddings.word_embeddings.weight"]!;
  const mean = (words: readonly string[]) =>
    Array.from({ length: 16 }, (_, i) => {
      const values = words.map((word) => data[tokenizer.pieces(word)[0]! * 16 + i]!);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    });
  const { male, female } = demoSides();
  const [m, f] = [mean(male), mean(female)];
  // One standard deviation of .08 in every direction, but for the mean of random numbers.
  m.forEach((value, i) => expect(Math.abs(value - f[i]!)).toBeGreaterThan(0.1));
});
