import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Another Node than this one. */
  readonly node?: string;
}

/**
 * Runs a Node program to its end and returns what it wrote to standard output.
 *
 * @throws Error with its last lines where it ends with another code than 0
 */
export function runNode(
  args: readonly string[],
  { cwd, env, node = process.execPath }: CommandOptions,
): Promise<string> {
  const options = { cwd, env: env ?? process.env, maxBuffer: 1e8 };
  return new Promise((done, fail) => {
    execFile(node, [...args], options, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`${args.join(" ")}: ${`${stdout}\n${stderr}`.trim().split("\n").slice(-12).join("\n")}`));
    });
  });
}

/** Runs the workspace's pnpm. */
export const pnpm = (args: readonly string[], options: CommandOptions): Promise<string> =>
  runNode([join(require.resolve("pnpm"), "../bin/pnpm.cjs"), ...args], options);
