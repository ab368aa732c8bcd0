import type { Jit } from "../jit.ts";

/** Compiled by onnxruntime, or op by op on TensorFlow.js. */
export const backendNames = [
  ...(["onnx-cuda", "onnx-webgpu", "onnx-directml", "onnx-coreml", "onnx-cpu"] as const),
  ...(["tfjs-node-gpu", "tfjs-node", "tfjs-cpu"] as const),
] as const;

/** One of `backendNames`. */
export type BackendName = (typeof backendNames)[number];

/** Bits of the operands of matrix products; everything else has 32. */
export type Precision = 16 | 32;

/** How a backend computes, and where native ones are looked for. */
export interface BackendOptions {
  /** Threads within one operator; by default the physical cores that this process may use. */
  readonly threads?: number;
  /** 16: matrix products in half precision. By default 32. */
  readonly precision?: Precision;
  /** Other processes compute beside this one: threads without work sleep at once instead of spinning. `false` by default. */
  readonly shared?: boolean;
  /** How many `jitOnAll` computes on: GPUs, or shares of the processor's threads. By default 1. */
  readonly devices?: number;
  /** Without `devices`: on the processor `jitOnAll` computes two calls at once, each on half of the threads. `false` by default. */
  readonly halves?: boolean;
  /** Folders below which `@tensorflow/tfjs-node-gpu` and `@tensorflow/tfjs-node` are looked for as well; none by default. */
  readonly from?: readonly string[];
}

/** Something to compute on that works: it has been loaded and has given a known result. */
export interface Backend {
  /** Which one it is. */
  readonly name: BackendName;
  /** What computes: `AMD EPYC, 2 threads`. */
  readonly device: string;
  /** Whether it computes on a graphics card. */
  readonly gpu: boolean;
  /** Of the library below: `onnxruntime 1.30.0`. */
  readonly version: string;
  /** Bits that its matrix products can have. */
  readonly precisions: readonly Precision[];
  /** Compiles functions for it. */
  readonly jit: Jit;
  /** Computes as many calls at once as there are `devices`, or two `halves`, with `shared` arrays in place; `jit` where there is one. */
  readonly jitOnAll: Jit;
  /** Frees what the backend itself holds; functions are disposed of one by one. */
  dispose(): Promise<void>;
}

/** Why a backend cannot be used here, and what would help. */
export class BackendError extends Error {
  /** Tells it from other errors. */
  override readonly name = "BackendError";
  /** What would help, where anything would. */
  readonly advice: string | undefined;

  constructor(reason: string, advice?: string, options?: ErrorOptions) {
    super(reason.replaceAll(/\s*\n\s*/g, " "), options);
    this.advice = advice;
  }
}

/** There are fewer devices than were asked for, of what would otherwise be taken. */
export class DeviceError extends BackendError {}

/** @throws DeviceError for more than one device */
export function expectOneDevice(asked = 1): void {
  if (asked !== 1) throw new DeviceError(`expected 1 device, all that it computes on, got ${asked}`);
}

/** @throws BackendError where the backend has not this precision */
export function checkPrecision(name: BackendName, precisions: readonly Precision[], asked: Precision = 32): void {
  if (!precisions.includes(asked)) {
    throw new BackendError(`${name} computes in 32 bits only`, "precision 16 needs onnx-cuda or onnx-webgpu on a GPU");
  }
}
