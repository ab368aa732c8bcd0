import { createHash, type Hash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { digestOfFile, makeFolder, sha256, temporaryName, writeFlushed } from "@pruning-bias/files";
import { type NDArray, readSafetensors, safetensorsParts, toFloat32, toInt32 } from "@pruning-bias/runtime";
import { z } from "zod";
import type { Arrays, OptimizerState } from "./optimizer.ts";

/** What JSON holds; numbers come back to the bit. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Where a training run stands: everything that its next steps depend on and that does not follow from its settings, so
 * that a run that goes on from here ends in the same bits as one that was never stopped.
 */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  /** Parameters with their moments. */
  readonly optimizer: OptimizerState;
  /** Other arrays, [any shape], that are carried on, float32 or int32, such as what is left of an epoch's order. */
  readonly arrays: Arrays;
  /** Numbers and texts that are, such as where a generator stands. */
  readonly values: { readonly [key: string]: Json };
}

/** A state that was written, and where. */
export interface StoredState {
  /** Its folder. */
  readonly path: string;
  /** What was read. */
  readonly state: TrainingState;
}

/** How many states a folder keeps. */
export interface WriteStateOptions {
  /** States that are left in the folder, this one counted, 2 by default; older ones are removed when it is there. */
  readonly keep?: number;
}

/**
 * Writes a state to `folder/step-N`. The name is there when all of it is on the disk and not before: it is written
 * under another, flushed, and renamed, so that whoever stops the process at any moment leaves the states before it.
 *
 * @returns the path
 * @throws Error `PATH: cannot be written: …`; RangeError for a step that is no whole number, or a `keep` below 1
 */
export async function writeTrainingState(
  folder: string,
  { step, optimizer, arrays, values }: TrainingState,
  { keep = 2 }: WriteStateOptions = {},
): Promise<string> {
  if (!(Number.isInteger(step) && step >= 0)) {
    throw new RangeError(`writeTrainingState: step: expected a whole number of at least 0, got ${step}`);
  }
  if (!(keep >= 1)) throw new RangeError(`writeTrainingState: keep: expected at least 1, got ${keep}`);
  await makeFolder(folder);
  const path = join(folder, stateName(step));
  const temporary = temporaryName(path);
  try {
    await mkdir(temporary);
    const write = async (name: string, tensors: Arrays): Promise<string> => {
      const hash = createHash("sha256");
      await writeFlushed(
        join(temporary, `${name}.safetensors`),
        hashed(hash, slices(safetensorsParts({ ...tensors }))),
      );
      return hash.digest("hex");
    };
    const { parameters, m, v, updates } = optimizer;
    const digests = {
      parameters: await write("parameters", parameters),
      m: await write("m", m),
      v: await write("v", v),
      arrays: await write("arrays", arrays),
    };
    const stored = { format: FORMAT, step, updates, values, digests } as const;
    const whole: z.input<typeof Stored> = { ...stored, sha256: sha256(JSON.stringify(stored)) };
    await writeFlushed(join(temporary, "state.json"), JSON.stringify(whole));
    await flushFolder(temporary);
    await replaceFolder(temporary, path);
    await flushFolder(folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw new Error(`${path}: cannot be written: ${(error as Error).message}`, { cause: error });
  }
  const before = (await stateSteps(folder)).filter((other) => other < step);
  const old = before.slice(0, Math.max(0, before.length - (keep - 1))).map(stateName);
  // Of whoever was stopped while writing.
  const unfinished = (await readdir(folder)).filter((name) => /^step-\d+\..*\.part$/.test(name));
  for (const name of [...old, ...unfinished]) await rm(join(folder, name), { recursive: true, force: true });
  return path;
}

/**
 * The state of the most steps in `folder` that is whole; none where there is none.
 *
 * @param onDamaged told of newer ones that are not whole, and why
 */
export async function newestTrainingState(
  folder: string,
  onDamaged: (problem: string) => void = () => {},
): Promise<StoredState | undefined> {
  for (const step of (await stateSteps(folder)).toReversed()) {
    const path = join(folder, stateName(step));
    try {
      return { path, state: await readTrainingState(path) };
    } catch (error) {
      onDamaged((error as Error).message);
    }
  }
  return undefined;
}

/**
 * Reads what `writeTrainingState` wrote.
 *
 * @throws Error `PATH: …` where a file of it is missing, cut short, or has changed
 */
export async function readTrainingState(path: string): Promise<TrainingState> {
  const file = join(path, "state.json");
  const text = await readFile(file, "utf8").catch((error: unknown) => unread(file, error));
  const parsed = parseJson(text, file);
  const { success, data } = Stored.safeParse(parsed);
  if (!success) throw new Error(`${file}: expected a training state of format ${FORMAT}, got something else`);
  const { step, updates, values, digests } = data;
  const { sha256: expected, ...stored } = parsed as z.input<typeof Stored>;
  if (expected !== sha256(JSON.stringify(stored)))
    throw new Error(`${file}: expected what was written, got other bytes`);
  const read = async (name: keyof typeof digests): Promise<Arrays> => {
    const part = join(path, `${name}.safetensors`);
    if ((await digestOfFile(part).catch((error: unknown) => unread(part, error))) !== digests[name])
      throw new Error(`${part}: expected what was written, got other bytes`);
    const { tensors } = await readSafetensors(part);
    return Object.fromEntries(
      Object.entries(tensors).map(([key, tensor]): [string, NDArray] => [
        key,
        tensor.dtype === "I32" ? toInt32(tensor) : toFloat32(tensor),
      ]),
    );
  };
  const [parameters, m, v, arrays] = [await read("parameters"), await read("m"), await read("v"), await read("arrays")];
  return { step, optimizer: { parameters, m, v, updates }, arrays, values };
}

/** Raised, too, where a run would go on from an older state to other numbers: at 3, a classifier draws noise for halves of its batches. */
const FORMAT = 3;

const count = z.int().nonnegative();
const text = z.string();
const Stored = z.object({
  format: z.literal(FORMAT),
  step: count,
  updates: count,
  values: z.record(
    z.string(),
    z.custom<Json>((value) => value !== undefined),
  ),
  digests: z.object({ parameters: text, m: text, v: text, arrays: text }),
  /** Of the rest of this file. */
  sha256: text,
});

const stateName = (step: number): string => `step-${String(step).padStart(8, "0")}`;

/** Steps of the states in a folder, ascending. */
async function stateSteps(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : [])).toSorted((a, b) => a - b);
}

const SLICE = 2 ** 22;

/** Bytes in pieces of `size` at most: one hash update or one write takes less than 2 GiB. */
export function* slices(parts: Iterable<Uint8Array>, size = SLICE): Generator<Uint8Array> {
  for (const part of parts) {
    for (let start = 0; start < part.length; start += size) yield part.subarray(start, start + size);
  }
}

function* hashed(hash: Hash, pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

function unread(path: string, error: unknown): never {
  throw new Error(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
}

function parseJson(content: string, file: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    throw new Error(`${file}: expected JSON, got something else (cut short?)`);
  }
}

// Names are on the disk once their folder is; Windows has no such call.
async function flushFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

// A state of the same step is there when a damaged one was passed over: states before it stay, whatever happens here.
async function replaceFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}
