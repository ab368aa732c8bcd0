import { codeReader } from "./code.ts";

/**
 * Whether the sources that a command runs are still those of which Nx took the digest: it keeps results under that one, so that
 * a task whose code was edited meanwhile must not end well.
 *
 * @throws Error in one line, where they are others
 */
export function checkCode(root: string, command: string, expected: string): void {
  if (codeReader(root)(command).digest === expected) return;
  throw new Error(
    `${command}: expected the code that the sweep started with, got another: it was edited while the sweep ran, which runs it again the next time`,
  );
}
