import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A command that was started, with all that it starts. */
export interface Started {
  readonly child: ChildProcess;
  /** When it has ended: exit code, or the signal's name, and what it wrote to standard error. */
  readonly ended: Promise<{ readonly code: number | string; readonly stderr: string }>;
  /** Its processes that are there now, the first one among them. */
  readonly family: () => number[];
}

/**
 * Starts a command in a session of its own. Its processes are known by a mark in their environment, which they inherit, so that
 * one is found too after its parents are gone.
 */
export function start(
  words: readonly string[],
  { cwd, env = {}, limits = "" }: { cwd: string; env?: NodeJS.ProcessEnv; limits?: string },
): Started {
  const mark = `PRUNING_BIAS_FAULTS=${randomUUID()}`;
  const inherited = Object.entries(process.env).filter(([key]) => !/^(NX_|RUN_|HF_|VITEST|NODE_OPTIONS)/.test(key));
  const [key = "", value = ""] = mark.split("=");
  const [file, args] =
    limits === "" ? [process.execPath, words] : ["sh", ["-c", `${limits}; exec "$0" "$@"`, process.execPath, ...words]];
  const child = spawn(file, args, {
    ...{ cwd, detached: true, stdio: ["ignore", "ignore", "pipe"] },
    env: {
      ...Object.fromEntries(inherited),
      NX_DAEMON: "false",
      PRUNING_BIAS_PARENT: String(process.pid),
      // What is broken here is nobody's cache.
      HF_HOME: join(cwd, "given/hub"),
      ...env,
      [key]: value,
    },
  });
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | string; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    // Not `close`: whoever outlives the command may keep its output open.
    child.on("exit", (code, signal) => setTimeout(() => resolve({ code: code ?? signal!, stderr }), 50));
  });
  return { child, ended, family: () => marked(mark) };
}

/** Waits until none of a command's processes is left; returns those that still are after so many looks, five a second. */
export async function orphans({ family }: Started, looks = 100): Promise<string[]> {
  // Counted and not timed: a machine that stops this process for a while stops those as well.
  for (let n = 0; n < looks; n++) {
    if (family().length === 0) return [];
    await sleep(200);
  }
  return family().map(nameOf);
}

/** Ends them all. */
export function end({ family }: Started): void {
  for (const pid of family()) kill(pid);
}

export function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

/** Processes with a mark in the environment; of Linux alone. */
function marked(mark: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(mark) && isAlive(pid));
}

// A zombie has ended, and waits for its parent to ask how.
const isAlive = (pid: number): boolean => !/^State:\s+[ZX]/m.test(read(`/proc/${pid}/status`));

const nameOf = (pid: number): string => `${pid} ${read(`/proc/${pid}/cmdline`).split("\0").slice(0, 4).join(" ")}`;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
