import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readers } from "./readers/index.ts";
import type { Told } from "./worker.ts";

export interface CampaignOptions {
  readonly seed: string;
  /** Malformed inputs of each reader. */
  readonly cases: number;
  /** By default all. */
  readonly only?: readonly string[] | undefined;
  /** The first case of each reader: to run one again. */
  readonly from?: number;
  readonly onReader?: (result: ReaderResult) => void;
}

export interface Finding {
  readonly reader: string;
  readonly case: number;
  /** What went wrong. */
  readonly what: string;
}

/** How the cases of a reader ended. */
export interface ReaderResult {
  readonly reader: string;
  readonly cases: number;
  /** With the one-line error; all others gave a result. */
  readonly refused: number;
  readonly findings: readonly Finding[];
  /** Seconds of processor time of the slowest case. */
  readonly slowest: number;
  /** Bytes by which resident memory grew at most, in one process. */
  readonly growth: number;
}

/** Seconds of processor time that a case may take, and bytes that a process may grow. */
const LONGEST = 5;
const LARGEST = 1e9;
/** Seconds after which a case that computes nothing counts as one that waits for ever. */
const LONGEST_WAIT = 30;

/**
 * Runs malformed inputs through every reader, in processes of their own, so that one that crashes, hangs or eats memory is
 * found and named. Each case follows from `seed`, the reader and its number.
 */
export async function campaign({ seed, cases, only, from = 0, onReader }: CampaignOptions): Promise<ReaderResult[]> {
  const results: ReaderResult[] = [];
  for (const { name } of readers) {
    if (only !== undefined && !only.includes(name)) continue;
    const result = await casesOf(name, seed, from, from + cases);
    results.push(result);
    onReader?.(result);
  }
  return results;
}

async function casesOf(reader: string, seed: string, from: number, to: number): Promise<ReaderResult> {
  const folder = await mkdtemp(join(tmpdir(), "malformed-"));
  const sum = { refused: 0, slowest: 0, growth: 0 };
  const findings: Finding[] = [];
  try {
    // A process that was lost is followed by another, behind the case that lost it.
    for (let at = from, turn = 0; at < to; turn++) {
      const part = await onePart(reader, seed, at, to, join(folder, String(turn)));
      sum.refused += part.refused;
      sum.slowest = Math.max(sum.slowest, part.slowest);
      sum.growth = Math.max(sum.growth, part.growth);
      findings.push(...part.findings);
      at = part.next;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { reader, cases: to - from, ...sum, findings };
}

interface Part extends Omit<ReaderResult, "reader" | "cases"> {
  readonly next: number;
}

function onePart(reader: string, seed: string, from: number, to: number, folder: string): Promise<Part> {
  const worker = join(import.meta.dirname, "worker.ts");
  const child = fork(worker, [reader, seed, String(from), String(to), folder], {
    execArgv: ["--max-old-space-size=2048"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
  const findings: Finding[] = [];
  const found = (at: number, what: string) => findings.push({ reader, case: at, what });
  let [refused, slowest, growth, base, at] = [0, 0, 0, 0, from];
  let began: { readonly computed: number; readonly clock: number } | undefined;
  const spent = () => {
    const computed = processorTime(child.pid!) - began!.computed;
    return { computed, waited: (performance.now() - began!.clock) / 1000 };
  };
  let killed = "";
  const watchdog = setInterval(() => {
    if (began === undefined) return;
    const { computed, waited } = spent();
    if (computed > LONGEST) killed = `computed for more than ${LONGEST} s`;
    else if (waited > LONGEST_WAIT && computed < 1) killed = `waited for more than ${LONGEST_WAIT} s`;
    if (killed !== "") child.kill("SIGKILL");
  }, 250);
  child.on("message", (message) => {
    const told = message as Told;
    if (told.kind === "ready") return;
    if (told.kind === "begins") {
      at = told.at;
      began = { computed: processorTime(child.pid!), clock: performance.now() };
      return;
    }
    slowest = Math.max(slowest, spent().computed);
    began = undefined;
    refused += Number(told.refused);
    // What loading the software takes is no case's.
    if (base === 0) base = told.peak;
    growth = Math.max(growth, told.peak - base);
    if (told.complaint !== undefined) found(told.at, told.complaint);
    if (growth > LARGEST) {
      found(told.at, `memory grew by ${Math.round(growth / 1e6)} MB`);
      at = told.at;
      killed = "memory";
      child.kill("SIGKILL");
    }
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearInterval(watchdog);
      const next = code === 0 ? to : at + 1;
      if (code !== 0 && killed !== "memory") {
        found(at, killed === "" ? `the process ended with ${signal ?? code}: ${said.trim().split("\n").slice(-12).join(" | ")}` : killed);
      }
      resolve({ refused, slowest, growth, findings, next });
    });
  });
}

/** Seconds that a process has computed; of other systems than Linux, that it has been there. */
function processorTime(pid: number): number {
  try {
    // Behind the name in brackets, which may hold blanks: user and system time are the 12th and 13th field.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return performance.now() / 1000;
  }
}
