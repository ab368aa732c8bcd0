import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readers } from "./readers/index.ts";
import type { Order, Told } from "./worker.ts";

export interface CampaignOptions {
  readonly seed: string;
  /** Malformed inputs of each reader. */
  readonly cases: number;
  /** By default all. */
  readonly only?: readonly string[] | undefined;
  /** The first case of each reader: to run one again. */
  readonly from?: number;
}

/** What went wrong in a case. */
export interface Finding {
  readonly reader: string;
  readonly case: number;
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
  /** Largest resident memory of the process while they ran, less what it had before its first case, bytes. */
  readonly growth: number;
}

/** Seconds of processor time that a case may take, seconds for which it may wait, and bytes that a process may grow by. */
const LONGEST = 5;
const LONGEST_WAIT = 60;
const LARGEST = 1e9;

type Sum = { -readonly [K in keyof Omit<ReaderResult, "findings">]: ReaderResult[K] } & { findings: Finding[] };

/**
 * Runs malformed inputs through every reader, in a process of their own, so that one that crashes, hangs or eats memory is
 * found and named; another process goes on behind it. Each case follows from `seed`, the reader's name and its number.
 */
export async function campaign({ seed, cases, only, from = 0 }: CampaignOptions): Promise<ReaderResult[]> {
  const names = readers.map(({ name }) => name).filter((name) => only?.includes(name) ?? true);
  const results = new Map(
    names.map((reader): [string, Sum] => [reader, { reader, cases, refused: 0, findings: [], slowest: 0, growth: 0 }]),
  );
  const to = from + cases;
  const folder = await mkdtemp(join(tmpdir(), "malformed-"));
  try {
    let [left, at] = [names, from];
    for (let turn = 0; left.length > 0; turn++) {
      const lost = await runCases(
        { ...{ seed, readers: left, at, from, to }, folder: join(folder, String(turn)) },
        results,
      );
      if (lost === undefined) break;
      left = left.slice(left.indexOf(lost.reader));
      at = lost.case + 1;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return [...results.values()];
}

/** Runs an order until it is done, or its process is lost; then the case that lost it is returned. */
function runCases(order: Order, results: ReadonlyMap<string, Sum>): Promise<Finding | undefined> {
  const child = fork(join(import.meta.dirname, "worker.ts"), [], {
    execArgv: ["--max-old-space-size=2048"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
  const TICK = 0.25;
  let running: { reader: string; at: number; computed: number; waited: number } | undefined;
  let [base, killed] = [0, ""];
  const computed = () => processorTime(child.pid!) - running!.computed;
  const kill = (why: string) => {
    killed = why;
    child.kill("SIGKILL");
  };
  const watchdog = setInterval(() => {
    if (running === undefined || killed !== "") return;
    // A clock would count the time for which somebody stopped both of us.
    running.waited += TICK;
    if (computed() > LONGEST) kill(`computed for more than ${LONGEST} s`);
    else if (running.waited > LONGEST_WAIT && computed() < 1) kill(`waited for more than ${LONGEST_WAIT} s`);
  }, 1000 * TICK);
  child.on("message", (message) => {
    const told = message as Told;
    const result = results.get(told.reader)!;
    if (told.kind === "begins") {
      running = { reader: told.reader, at: told.at, computed: processorTime(child.pid!), waited: 0 };
      return;
    }
    result.slowest = Math.max(result.slowest, computed());
    result.refused += Number(told.refused);
    // What loading the software takes is no case's.
    if (base === 0) base = told.peak;
    const growth = told.peak - base;
    result.growth = Math.max(result.growth, growth);
    if (told.complaint !== undefined)
      result.findings.push({ reader: told.reader, case: told.at, what: told.complaint });
    if (growth > LARGEST) kill(`memory grew by ${Math.round(growth / 1e6)} MB`);
    else running = undefined;
  });
  child.send(order);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearInterval(watchdog);
      if (code === 0) return resolve(undefined);
      const last = said.trim().split("\n").slice(-12).join(" | ");
      const { reader, at } = running ?? { reader: order.readers[0]!, at: order.at };
      const finding = {
        reader,
        case: at,
        what: killed === "" ? `the process ended with ${signal ?? code}: ${last}` : killed,
      };
      results.get(reader)!.findings.push(finding);
      resolve(finding);
    });
  });
}

/** Seconds that a process has computed; on other systems than Linux, that have passed. */
function processorTime(pid: number): number {
  try {
    // Behind the name in brackets, which may hold blanks: user and system time are the 12th and 13th field.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return performance.now() / 1000;
  }
}
