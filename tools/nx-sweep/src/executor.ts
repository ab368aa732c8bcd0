import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Executor } from "@nx/devkit";

interface Options {
  readonly command: string;
  /** What was typed after the target, word by word. */
  readonly __unparsed__: readonly string[];
}

/**
 * Runs a command of the command line without a shell: `nx:run-commands` joins the words to one line, so that a space, `&`,
 * `;` or `$` in a setting's value would be taken for something else.
 */
export const runCommand: Executor<Options> = ({ command, __unparsed__: words }, { root }) => {
  const child = spawn(process.execPath, [join(root, "packages/cli/src/main.ts"), command, ...words], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PRUNING_BIAS_PARENT: String(process.pid) },
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ success: code === 0 }));
  });
};
