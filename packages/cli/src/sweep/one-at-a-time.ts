import { randomUUID } from "node:crypto";
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "@pruning-bias/files";
import { isRunning } from "../end-with-parent.ts";

export interface TurnOptions {
  /** Who asks, as others who wait are told: `sweep demo`. */
  readonly who: string;
  /** Told once, where another is at it. */
  readonly onWait: (holder: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds between looks. */
  readonly every?: number;
}

/** Milliseconds without a sign of life after which a holder on another machine is gone. */
const STALE = 60_000;
/** And after which what it began to write is nobody's. */
const UNFINISHED = 500;

/**
 * Does something while no other process does it that names the same file: two sweeps in one workspace would run the same tasks
 * in the same folders. A holder that was killed holds nothing.
 */
export async function oneAtATime<T>(path: string, work: () => Promise<T>, options: TurnOptions): Promise<T> {
  const own = await take(path, options);
  const alive = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), STALE / 6);
  try {
    return await work();
  } finally {
    clearInterval(alive);
    if ((await read(path)) === own) await rm(path, { force: true });
  }
}

async function take(path: string, { who, onWait, signal, every = 500 }: TurnOptions): Promise<string> {
  const own = JSON.stringify({ who, pid: process.pid, host: hostname(), id: randomUUID() });
  await makeFolder(dirname(path));
  for (let told = false; ;) {
    signal?.throwIfAborted();
    const mine = await writeFile(path, own, { flag: "wx" }).then(
      () => true,
      async (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        // Half of it may be there, where there is no more room.
        await rm(path, { force: true }).catch(() => {});
        throw new Error(`${path}: cannot be written: ${error.message}`, { cause: error });
      },
    );
    // Whoever took an abandoned one away at the same moment may have taken this one: who is in the file has it.
    if (mine) await sleep(50);
    const text = await read(path);
    if (mine && text === own) return own;
    const holder = holderOf(text);
    if (await isGone(path, holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (holder !== undefined && !told)
      onWait(`${holder.who}, process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`}`);
    told ||= holder !== undefined;
    await sleep(every);
  }
}

interface Holder {
  readonly who: string;
  readonly pid: number;
  readonly host: string;
}

function holderOf(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

async function isGone(path: string, holder: Holder | undefined): Promise<boolean> {
  if (holder?.host === hostname()) return !isRunning(holder.pid);
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  // Half a file is one that is being written, or that nobody will go on with.
  return Date.now() - mtimeMs > (holder === undefined ? UNFINISHED : STALE);
}

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
