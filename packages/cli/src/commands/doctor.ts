import { availableParallelism, totalmem } from "node:os";
import {
  type Backend,
  BackendError,
  type BackendName,
  backendNames,
  graphics,
  loadBackend,
  ndarray,
  openBackend,
  physicalCores,
  type Precision,
  tf,
  versionOf,
} from "@pruning-bias/runtime";
import type { Machine } from "./context.ts";

/** What this machine computes with, and what it could. */
export interface Diagnosis {
  readonly node: string;
  readonly platform: string;
  readonly processors: number;
  readonly physicalCores: number;
  /** Of an operator. */
  readonly threads: number;
  readonly memoryGB: number;
  readonly gpus: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** What `backend=auto` takes. */
  readonly auto: BackendName;
  readonly backends: readonly BackendState[];
}

export type BackendState =
  | {
      readonly name: BackendName;
      readonly loaded: true;
      readonly device: string;
      readonly version: string;
      readonly precisions: readonly Precision[];
      /** Of a product of float32 matrices, data copied to the backend and a sum back; null where it fails. */
      readonly gflops: number | null;
    }
  | {
      readonly name: BackendName;
      readonly loaded: false;
      readonly reason: string;
      /** What to install. */
      readonly advice?: string;
    };

/** Loads every backend in turn and measures those that work, some seconds each at most. */
export async function doctor({ threads, native }: Machine): Promise<Diagnosis> {
  const options = { from: native, ...(threads !== undefined && { threads }) };
  const backends: BackendState[] = [];
  for (const name of backendNames) backends.push(await examine(name, () => loadBackend(name, options)));
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processors: availableParallelism(),
    physicalCores: physicalCores(),
    threads: threads ?? physicalCores(),
    memoryGB: Math.round(totalmem() / 1e9),
    gpus: graphics(),
    versions: { "onnxruntime-node": versionOf("onnxruntime-node"), "@tensorflow/tfjs": versionOf("@tensorflow/tfjs") },
    auto: (await openBackend("auto", options)).name,
    backends,
  };
}

/** A diagnosis for people: the machine on a line, then each backend on one, and what would help on the next. */
export function doctorText(found: Diagnosis): string {
  const versions = Object.entries(found.versions).map(([name, version]) => `${name} ${version}`);
  const width = Math.max(...found.backends.map(({ name }) => name.length));
  const lines = found.backends.flatMap((backend) => {
    const name = `${backend.name === found.auto ? "→" : " "} ${backend.name.padEnd(width)}`;
    if (!backend.loaded) {
      const help = backend.advice === undefined ? [] : [`  ${" ".repeat(width)}  for it: ${backend.advice}`];
      return [`${name}  –  ${backend.reason}`, ...help];
    }
    const { device, version, precisions, gflops } = backend;
    const rate = gflops === null ? "products fail" : `${gflops} GFLOP/s`;
    return [`${name}  ${rate}, ${precisions.map((bits) => `${bits} bits`).join(" or ")}; ${device}; ${version}`];
  });
  return [
    `Node ${found.node.slice(1)} on ${found.platform}; ${versions.join(", ")}`,
    `${found.physicalCores} cores (${found.processors} processors), ${found.threads} threads to an operator; ${found.memoryGB} GB; ${found.gpus.join(", ") || "no GPU"}`,
    "backends, → what backend=auto takes:",
    ...lines,
  ].join("\n");
}

async function examine(name: BackendName, load: () => Promise<Backend>): Promise<BackendState> {
  let backend: Backend;
  try {
    backend = await load();
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return { name, loaded: false, reason: error.message, ...(error.advice !== undefined && { advice: error.advice }) };
  }
  const gflops = await rate(backend).catch(() => null);
  const { device, version, precisions } = backend;
  await backend.dispose();
  return { name, loaded: true, device, version, precisions, gflops };
}

/** Rows, inner and columns: BERT-base's feed-forward network on 16 sentences of 128, and what slow backends can do. */
const sizes = [
  [64, 96, 384],
  [256, 384, 1536],
  [2048, 768, 3072],
] as const;
/** Seconds that a size may take for the next one, 27 times as much, to be tried. */
const PATIENCE = 0.1;

/** GFLOP/s of the largest product that does not take long: the best of a few. */
export async function rate({ jit }: Backend, runs = 10): Promise<number> {
  let found = 0;
  for (const [rows, inner, columns] of sizes) {
    const product = jit(({ a, b }: { a: tf.Tensor2D; b: tf.Tensor2D }) => tf.sum(tf.matMul(a, b)));
    const inputs = {
      a: ndarray(new Float32Array(rows * inner).fill(0.5), [rows, inner]),
      b: ndarray(new Float32Array(inner * columns).fill(0.5), [inner, columns]),
    };
    await product(inputs);
    let best = Infinity;
    const started = performance.now();
    for (let run = 0; run < runs && (run === 0 || performance.now() - started < 2000); run++) {
      const start = performance.now();
      await product(inputs);
      best = Math.min(best, (performance.now() - start) / 1000);
    }
    await product.dispose();
    found = (2 * rows * inner * columns) / best / 1e9;
    if (best > PATIENCE) break;
  }
  return Number(found.toPrecision(3));
}
