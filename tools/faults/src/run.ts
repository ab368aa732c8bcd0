import { start } from "./processes.ts";
import type { Workplace } from "./workplace.ts";

/** Runs a command of the command line to its end. Throws what it said where it fails. */
export async function run(
  { root, main }: Workplace,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { ended } = start([main, ...words], { cwd: root, env });
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(`${words[0]}: expected exit code 0, got ${code}: ${lastLines(stderr)}`);
  return stderr;
}

export const lastLines = (text: string): string => text.trim().split("\n").slice(-3).join(" | ");
