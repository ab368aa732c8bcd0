import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";
import { parsePruningSettings } from "@pruning-bias/pruning";
import { compiler, type Jit } from "@pruning-bias/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fineprune, type FinepruneOptions } from "../src/index.ts";
import { smallModel, smallSentences } from "./small.ts";

const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 0.1 });
const options: FinepruneOptions = {
  ...{ checkpoint: smallModel(), train: smallSentences(1), validation: smallSentences(2) },
  ...{ pruning, batchSize: 4, microbatch: 3, epochs: 2, freezeWeights: false },
};

const threads = new Set<Worker>();
const onThread = (message: unknown) => {
  const { worker } = message as { worker: Worker };
  threads.add(worker);
  worker.on("exit", () => threads.delete(worker));
};
beforeEach(() => subscribe("worker_threads", onThread));
afterEach(() => {
  unsubscribe("worker_threads", onThread);
});

/** A `jit` that knows which programs were run and not disposed of. */
function tracked(jit: Jit) {
  const running = new Set<object>();
  const own: Jit = (fn, axes) => {
    const program = jit(fn, axes);
    const call: typeof program = Object.assign(
      (...args: Parameters<typeof program>) => {
        running.add(call);
        return program(...args);
      },
      {
        dispose: async () => {
          await program.dispose();
          running.delete(call);
        },
      },
    );
    return call;
  };
  return { jit: own, running };
}

it.each([
  ["in one thread", {}, {}],
  ["on two lanes", { lanes: 2 }, { devices: 2 }],
])("whoever breaks off leaves no program and no thread: %s", async (_, lanes, devices) => {
  for (const kind of ["validation", "epoch", "step"] as const) {
    const { jit, running } = tracked(compiler({ threads: 1, ...lanes }));
    for await (const event of fineprune({ ...options, ...devices, jit })) {
      expect(running.size).toBeGreaterThan(0);
      expect(threads.size > 0).toBe("devices" in devices);
      if (event.kind === kind) break;
    }
    expect(running.size, kind).toBe(0);
    expect(threads.size, kind).toBe(0);
  }
});

it("neither does a run that fails", async () => {
  const { jit, running } = tracked(compiler({ threads: 1, lanes: 2 }));
  const run = async () => {
    for await (const event of fineprune({ ...options, devices: 2, jit, learningRate: 1e30 })) void event;
  };
  await expect(run()).rejects.toThrow("expected");
  expect(running.size).toBe(0);
  expect(threads.size).toBe(0);
});
