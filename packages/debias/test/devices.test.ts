import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePruningSettings } from "@pruning-bias/pruning";
import { compiler } from "@pruning-bias/runtime";
import { newestTrainingState, writeTrainingState } from "@pruning-bias/training";
import { beforeAll, describe, expect, it } from "vitest";
import { fineprune, type FinepruneOptions, type FinepruneResult } from "../src/index.ts";
import { smallModel, smallSentences } from "./small.ts";

const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 0.1 });
const options: FinepruneOptions = {
  ...{ checkpoint: smallModel(), train: smallSentences(1), validation: smallSentences(2) },
  ...{ pruning, batchSize: 8, microbatch: 3, epochs: 2, learningRate: 1e-3, freezeWeights: false },
};
const two = () => ({ devices: 2, jit: compiler({ threads: 1, lanes: 2 }) });

interface Run {
  /** Losses and norms of each step and validation. */
  readonly numbers: number[][];
  readonly result: FinepruneResult;
  /** Folders of a state after each step. */
  readonly states: string[];
}

async function follow(options: FinepruneOptions): Promise<Run> {
  const [numbers, states]: [number[][], string[]] = [[], []];
  const run = fineprune(options);
  for (;;) {
    const { done, value: event } = await run.next();
    if (done) return { numbers, states, result: event };
    if (event.kind === "epoch") numbers.push([...event.attributes.data]);
    if (event.kind === "validation") numbers.push([event.lossDebias, event.lossKeep, event.current.loss]);
    if (event.kind !== "step") continue;
    numbers.push([event.lossDebias, event.lossKeep, event.lossPrune, event.gradientNorm]);
    const folder = await mkdtemp(join(tmpdir(), "devices-"));
    await writeTrainingState(folder, event.state());
    states.push(folder);
  }
}

describe("two devices", () => {
  let whole: Run;
  beforeAll(async () => {
    whole = await follow({ ...options, ...two() });
  });

  it("compute what one does with both threads", async () => {
    const one = await follow({ ...options, jit: compiler({ threads: 2 }) });
    expect(one.states.length).toBeGreaterThan(3);
    expect(one.numbers.map(({ length }) => length)).toEqual(whole.numbers.map(({ length }) => length));
    for (const [row, numbers] of one.numbers.entries()) {
      const largest = Math.max(...numbers.map(Math.abs));
      numbers.forEach((number, i) => {
        expect(Math.abs(whole.numbers[row]![i]! - number) / largest, `row ${row}`).toBeLessThan(1e-6);
      });
    }
  });

  it("compute the same to the bit each time, with lanes or without", async () => {
    expect(await follow({ ...options, ...two() })).toEqual({ ...whole, states: expect.anything() as string[] });
    const inTurn = await follow({ ...options, ...two(), jit: compiler({ threads: 1 }) });
    expect(inTurn.numbers).toEqual(whole.numbers);
    expect(inTurn.result.scores).toEqual(whole.result.scores);
  });

  it("go on from a state to the bit", async () => {
    for (const stop of [1, 3]) {
      const { state } = (await newestTrainingState(whole.states[stop - 1]!))!;
      const resumed = await follow({ ...options, ...two(), resume: state });
      expect(resumed.numbers.length).toBeGreaterThan(0);
      expect(resumed.numbers).toEqual(whole.numbers.slice(-resumed.numbers.length));
      expect(resumed.result).toEqual(whole.result);
    }
  });

  it("are expected to be some", async () => {
    await expect(follow({ ...options, devices: 0 })).rejects.toThrow("devices: expected a whole number above 0, got 0");
  });
});
