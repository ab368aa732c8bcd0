import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { doctorText, type Diagnosis } from "../src/commands/doctor.ts";
import { shareOfCores } from "../src/sweep/run-sweep.ts";
import { run } from "./command-line.ts";
import { temporary } from "./small-model.ts";

it("doctor lists every backend with its rate, or why it is not there, and what auto takes", async () => {
  const env = { PRUNING_BIAS_TFJS_NODE: tmpdir(), PRUNING_BIAS_THREADS: "1" };
  const { code, stdout } = await run(["doctor", "--json"], { env });
  expect(code).toBe(0);
  const found = JSON.parse(stdout) as Diagnosis;
  expect(found.threads).toBe(1);
  expect(found.physicalCores).toBeLessThanOrEqual(found.processors);
  expect(found.auto).toMatch(/^onnx-/);
  expect(found.backends.map(({ name }) => name)).toEqual([
    ...["onnx-cuda", "onnx-webgpu", "onnx-directml", "onnx-coreml", "onnx-cpu"],
    ...["tfjs-node-gpu", "tfjs-node", "tfjs-cpu"],
  ]);
  for (const backend of found.backends) {
    const what = backend.loaded ? String(backend.gflops) : backend.reason;
    expect(what).toMatch(backend.loaded ? /^[\d.]+$/ : /^.+$/);
  }
  expect(found.backends.find(({ name }) => name === "onnx-cpu")).toMatchObject({ loaded: true, precisions: [32] });
});

it("doctor speaks to people in a line for each backend", () => {
  const machine = { node: "v24.0.0", platform: "linux x64", processors: 8, physicalCores: 4, threads: 4, memoryGB: 16 };
  const text = doctorText({
    ...{ ...machine, gpus: [], versions: { "onnxruntime-node": "1.30.0" }, auto: "onnx-cpu" },
    backends: [
      { name: "onnx-cuda", loaded: false, reason: "no CUDA files", advice: "an NVIDIA GPU" },
      {
        ...{ name: "onnx-cpu", loaded: true, device: "EPYC, 4 threads", version: "onnxruntime 1.30.0" },
        ...{ precisions: [32], gflops: 350 },
      },
    ],
  });
  expect(text.split("\n")).toEqual([
    "Node 24.0.0 on linux x64; onnxruntime-node 1.30.0",
    "4 cores (8 processors), 4 threads to an operator; 16 GB; no GPU",
    "backends, → what backend=auto takes:",
    "  onnx-cuda  –  no CUDA files",
    "             for it: an NVIDIA GPU",
    "→ onnx-cpu   350 GFLOP/s, 32 bits; EPYC, 4 threads; onnxruntime 1.30.0",
  ]);
});

it("a backend that was asked for and is not there ends a run in one line", async () => {
  const missing = process.platform === "darwin" ? "onnx-directml" : "onnx-coreml";
  const out = join(await temporary(), "model");
  const { code, stderr } = await run(["pretrain", "--out", out], {
    env: {
      RUN_CONFIG: JSON.stringify({ pretrain: {}, backend: missing }),
    },
  });
  expect(code).toBe(1);
  expect(existsSync(out)).toBe(false);
  expect(stderr).toMatch(new RegExp(`error: ${missing}: onnxruntime-node has .+\n$`));
});

it("tasks that run at once have equal shares of the cores, and a core at least", () => {
  expect(shareOfCores(1, 8)).toEqual({});
  expect(shareOfCores(2, 8)).toEqual({ PRUNING_BIAS_THREADS: "4" });
  expect(shareOfCores(3, 2)).toEqual({ PRUNING_BIAS_THREADS: "1" });
});
