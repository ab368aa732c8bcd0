import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import {
  initialState,
  newestTrainingState,
  readTrainingState,
  type TrainingState,
  writeTrainingState,
} from "./index.ts";
import { slices } from "./training-state.ts";

const folder = () => mkdtemp(join(tmpdir(), "training-state-"));

const stateAt = (step: number): TrainingState => ({
  step,
  optimizer: {
    ...initialState({ "layer.weight": ndarray(Float32Array.of(step, 1e-45, -0), [3, 1]) }),
    updates: step + 1,
  },
  arrays: { order: ndarray(Int32Array.of(3, 1, 2)), nothing: ndarray(new Int32Array()) },
  values: { generator: [-1, 2 ** 31 - 1], best: 0.1 + 0.2, note: null },
});

describe("a training state", () => {
  it("comes back to the bit", async () => {
    const dir = await folder();
    await writeTrainingState(dir, stateAt(7));
    const { state } = (await newestTrainingState(dir))!;
    expect(state).toEqual(stateAt(7));
    expect(Object.is(state.optimizer.parameters["layer.weight"]!.data[2], -0)).toBe(true);
  });

  it("is there for the last few steps alone", async () => {
    const dir = await folder();
    for (const step of [9, 10, 11]) await writeTrainingState(dir, stateAt(step), { keep: 2 });
    expect((await readdir(dir)).toSorted()).toEqual(["step-00000010", "step-00000011"]);
    expect((await newestTrainingState(dir))!.state.step).toBe(11);
  });

  it("of the same step may be written again", async () => {
    const dir = await folder();
    await writeTrainingState(dir, stateAt(1));
    await writeTrainingState(dir, stateAt(1));
    expect(await readdir(dir)).toEqual(["step-00000001"]);
  });

  it("is not there where there is no folder", async () => {
    expect(await newestTrainingState(join(await folder(), "none"))).toBeUndefined();
  });
});

describe("files larger than one write takes", () => {
  it("are written and hashed in slices, none of them lost", () => {
    const parts = [Uint8Array.of(1, 2, 3, 4, 5), new Uint8Array(), Uint8Array.of(6), Uint8Array.of(7, 8, 9, 10)];
    const cut = [...slices(parts, 2)];
    expect(cut.map((piece) => [...piece])).toEqual([[1, 2], [3, 4], [5], [6], [7, 8], [9, 10]]);
    // No copies: a slice is where the tensor is.
    expect(cut[0]!.buffer).toBe(parts[0]!.buffer);
  });

  it("come back to the bit when they take several slices", async () => {
    const dir = await folder();
    const w = ndarray(Float32Array.from({ length: 3e6 + 1 }, (_, i) => i / 7));
    const state = { ...stateAt(3), optimizer: initialState({ w }) };
    await writeTrainingState(dir, state);
    expect((await newestTrainingState(dir))!.state.optimizer.parameters["w"]).toEqual(w);
  });
});

describe("a state that is not whole is passed over, and named", () => {
  const expectDamaged = async (change: (path: string) => Promise<unknown>, problem: RegExp) => {
    const dir = await folder();
    await writeTrainingState(dir, stateAt(1));
    await change(await writeTrainingState(dir, stateAt(2)));
    const problems: string[] = [];
    const { state } = (await newestTrainingState(dir, (told) => problems.push(told)))!;
    expect(state).toEqual(stateAt(1));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  };

  it("when a file is cut short", () =>
    expectDamaged((path) => truncate(join(path, "m.safetensors"), 100), /m\.safetensors: expected what was written/));

  it("when a bit has flipped", () =>
    expectDamaged(async (path) => {
      const file = join(path, "parameters.safetensors");
      const bytes = await readFile(file);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(file, bytes);
    }, /parameters\.safetensors: expected what was written/));

  it("when its list is no JSON", () =>
    expectDamaged((path) => truncate(join(path, "state.json"), 9), /state\.json: expected JSON/));

  it("when it is another format", () =>
    expectDamaged(
      (path) => writeFile(join(path, "state.json"), '{"format":0}'),
      /expected a training state of format 3/,
    ));

  it("when it was never renamed", async () => {
    const dir = await folder();
    await writeTrainingState(dir, stateAt(1));
    await mkdir(join(dir, "step-00000002.abc.part"));
    expect((await newestTrainingState(dir))!.state.step).toBe(1);
    await writeTrainingState(dir, stateAt(3));
    expect((await readdir(dir)).toSorted()).toEqual(["step-00000001", "step-00000003"]);
  });
});

it("whoever is killed while writing leaves a whole state", async () => {
  const dir = await folder();
  const script = `
    import { ndarray } from ${JSON.stringify(import.meta.resolve("@pruning-bias/runtime"))};
    import { initialState, writeTrainingState } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    for (let step = 1; ; step++) {
      const optimizer = initialState({ w: ndarray(new Float32Array(1e6).fill(step)) });
      await writeTrainingState(process.argv[1], { step, optimizer, arrays: {}, values: {} });
      console.log(step);
    }`;
  let last = 0;
  for (const delay of [0, 3, 7, 13]) {
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script, dir]);
    await once(child.stdout, "data");
    await wait(delay);
    child.kill("SIGKILL");
    await once(child, "close");
    const problems: string[] = [];
    const { state } = (await newestTrainingState(dir, (problem) => problems.push(problem)))!;
    expect(problems).toEqual([]);
    expect(new Set(state.optimizer.parameters["w"]!.data)).toEqual(new Set([state.step]));
    expect(state.step).toBeGreaterThan(0);
    last = Math.max(last, state.step);
  }
  expect(last).toBeGreaterThan(0);
}, 30_000);

it("a state that is not there is named, and a step that is none refused", async () => {
  const dir = await folder();
  const path = join(dir, "step-00000009");
  await expect(readTrainingState(path)).rejects.toThrow(`${join(path, "state.json")}: cannot be read (ENOENT)`);
  const state = { step: 1, optimizer: initialState({}), arrays: {}, values: {} };
  await expect(writeTrainingState(dir, { ...state, step: 0.5 })).rejects.toThrow(
    "writeTrainingState: step: expected a whole",
  );
  await expect(writeTrainingState(dir, state, { keep: 0 })).rejects.toThrow("keep: expected at least 1, got 0");
});
