import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { availableParallelism, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  BackendError,
  type BackendName,
  compiler,
  eager,
  loadBackend,
  ndarray,
  openBackend,
  physicalCores,
  type Precision,
  tf,
} from "../src/index.ts";
import { expectClose } from "./close.ts";
import { functions } from "./functions.ts";

/** Where `tools/native/build-tfjs-native.sh` puts it unless told otherwise. */
const built =
  process.env["PRUNING_BIAS_TFJS_NODE"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "pruning-bias/tfjs-native");
const key = { seed: 7, counter: 3 };

// Asked first: a process loads one libtensorflow at most.
const notBuilt = await loadBackend("tfjs-node", { from: [tmpdir()] }).catch(reason);

const tried: [name: BackendName, precision: Precision, tolerance: number][] = [
  ["onnx-cpu", 32, 1e-5],
  ["onnx-webgpu", 32, 1e-4],
  ["onnx-webgpu", 16, 2e-2],
  ["onnx-cuda", 32, 1e-3],
  ["onnx-cuda", 16, 2e-2],
  ["onnx-directml", 32, 1e-3],
  ["tfjs-node-gpu", 32, 1e-5],
  ["tfjs-node", 32, 1e-5],
];
for (const [name, precision, tolerance] of tried) {
  const backend = await loadBackend(name, { precision, from: [built], threads: 1 }).catch(reason);
  describe(`${name} in ${precision} bits computes as the eager check does`, () => {
    if (backend instanceof BackendError) {
      it.skip(`but is not here: ${backend.message}`);
      return;
    }
    it.each(functions)("%s", async (_, fn, inputs) => {
      const compiled = backend.jit(fn);
      expectClose(await compiled(inputs, key), await eager(fn)(inputs, key), tolerance);
      await compiled.dispose();
    });
  });
}

describe("half precision", () => {
  // No processor has it, but onnxruntime then rounds operands to half floats and computes in 32 bits.
  it.each(functions)("rounds no more than the operands of products: %s", async (_, fn, inputs) => {
    const compiled = compiler({ precision: 16 })(fn);
    expectClose(await compiled(inputs, key), await eager(fn)(inputs, key), 5e-3);
    await compiled.dispose();
  });

  it("keeps gradients that half floats cannot hold, and what overflows them", async () => {
    const tiny = compiler({ precision: 16 })(({ a, b }: Record<string, tf.Tensor>) => tf.matMul(a!, b!));
    const filled = (value: number) => ndarray(new Float32Array(16).fill(value), [4, 4]);
    expect((await tiny({ a: filled(1e-12), b: filled(1e6) })).data[0]).toBeCloseTo(4e-6, 12);
    expect((await tiny({ a: filled(0), b: filled(1) })).data[0]).toBe(0);
    await tiny.dispose();
  });

  it.each(["onnx-cpu", "tfjs-cpu"] as const)("is refused by %s", async (name) => {
    await expect(openBackend(name, { precision: 16 })).rejects.toThrow(`${name} computes in 32 bits only`);
  });
});

describe("several devices", () => {
  it("are shares of the processor's threads, each a lane", async () => {
    const backend = await openBackend("onnx-cpu", { threads: 3, devices: 2 });
    expect(backend.device).toMatch(/, 3 threads, 2 devices$/);
    const twice = backend.jitOnAll((x: tf.Tensor) => tf.mul(x, 2));
    const results = await Promise.all([1, 2, 3].map((x) => twice(x)));
    expect(results.map(({ data }) => data[0])).toEqual([2, 4, 6]);
    await twice.dispose();
  });

  it.each([1, 3])("of the processor are two halves where that is left open: %i threads", async (threads) => {
    const { device, jit, jitOnAll } = await openBackend("onnx-cpu", { threads, halves: true });
    expect(device).toMatch(threads === 1 ? /, 1 thread$/ : /, 3 threads$/);
    expect(jitOnAll === jit).toBe(threads === 1);
    const twice = jitOnAll((x: tf.Tensor) => tf.mul(x, 2));
    const results = await Promise.all([1, 2, 3].map((x) => twice(x)));
    expect(results.map(({ data }) => data[0])).toEqual([2, 4, 6]);
    await twice.dispose();
    const one = await openBackend("tfjs-cpu", { halves: true });
    expect(one.jitOnAll).toBe(one.jit);
  });

  it.each(["onnx-cpu", "auto"] as const)("are no more than there are: %s", async (name) => {
    const opened = openBackend(name, { threads: 2, devices: 65 });
    await expect(opened).rejects.toThrow(/^onnx-\w+: expected .+ devices?, .*got [^\n]+$/);
  });

  it("are what onnxruntime has", async () => {
    await expect(openBackend("tfjs-cpu", { devices: 2 })).rejects.toThrow("tfjs-cpu: expected 1 device");
  });
});

describe("opening", () => {
  it("takes the first that works, and says in a line why not the others", async () => {
    const passed: string[] = [];
    const { name } = await openBackend("auto", { onFallback: (...reason) => passed.push(reason.join(": ")) });
    expect(name).toMatch(/^onnx-/);
    const before = ["onnx-cuda", "onnx-webgpu", "onnx-cpu"].slice(0, passed.length);
    expect(passed).toEqual(before.map((other) => expect.stringMatching(`^${other}: .+$`) as string));
  });

  it("fails in a line where one was asked for by name", async () => {
    const missing = process.platform === "darwin" ? "onnx-directml" : "onnx-coreml";
    await expect(openBackend(missing)).rejects.toThrow(
      new RegExp(`^${missing}: onnxruntime-node has .+ for .+, this is`),
    );
    await expect(openBackend("cpu" as BackendName)).rejects.toThrow("expected auto or one of onnx-cuda,");
  });

  it.skipIf(!(notBuilt instanceof BackendError))("says what to install", () => {
    expect(notBuilt).toMatchObject({ advice: expect.stringContaining("pnpm add @tensorflow/tfjs-node@") as string });
  });
});

describe("physical cores", () => {
  async function machine(siblings: readonly string[], allowed: string): Promise<[string, string]> {
    const root = await mkdtemp(join(tmpdir(), "cores-"));
    for (const [processor, list] of siblings.entries()) {
      await mkdir(join(root, `cpu${processor}/topology`), { recursive: true });
      await writeFile(join(root, `cpu${processor}/topology/thread_siblings_list`), `${list}\n`);
    }
    await mkdir(join(root, "cpufreq"));
    await writeFile(join(root, "status"), `Name:\tnode\nCpus_allowed_list:\t${allowed}\n`);
    return [root, join(root, "status")];
  }
  const atMost = (cores: number) => Math.min(cores, availableParallelism());

  it("count hyperthreads once", async () => {
    expect(physicalCores(...(await machine(["0,2", "1,3", "0,2", "1,3"], "0-3")))).toBe(atMost(2));
  });

  it("are those that the process may use", async () => {
    expect(physicalCores(...(await machine(["0-1", "0-1", "2-3", "2-3"], "0-1")))).toBe(1);
  });

  it("are all processors where the system does not tell", () => {
    expect(physicalCores("/nowhere", "/nowhere")).toBe(availableParallelism());
  });
});

function reason(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  throw error;
}
