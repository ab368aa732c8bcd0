import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";

export const workspace = join(import.meta.dirname, "../../..");

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as a process of its own, in a workspace. */
export function run(
  args: readonly string[],
  { root = workspace, env = {} }: { root?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(NX_|RUN_|HF_|VITEST)/.test(key));
  const options = { cwd: root, env: { ...Object.fromEntries(inherited), NX_DAEMON: "false", ...env }, maxBuffer: 1e8 };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "packages/cli/src/main.ts"), ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Starts it and leaves it to the caller. */
export const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
  spawn(process.execPath, [join(workspace, "packages/cli/src/main.ts"), ...args], {
    ...{ cwd: workspace, stdio: "ignore", env: { ...process.env, ...env } },
  });
