import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { sweepSchema } from "../sweep/sweep-schema.ts";
import { commandsReference } from "./commands.ts";
import { presetsReference } from "./presets.ts";
import { settingsReference } from "./settings.ts";
import { sweepFileReference } from "./sweep-file.ts";

/** The generated files of a workspace, by path: the reference, and the schema of sweep files. */
export async function generated(root: string): Promise<Record<string, string>> {
  const main = join(root, "packages/cli/src/main.ts");
  const help = async (command?: string) => {
    const words = [main, ...(command === undefined ? [] : [command]), "--help"];
    return (await promisify(execFile)(process.execPath, words, { env: { ...process.env, COLUMNS: "100" } })).stdout;
  };
  return {
    "docs/reference/commands.md": await commandsReference(help),
    "docs/reference/settings.md": settingsReference(),
    "docs/reference/presets.md": presetsReference(),
    "docs/reference/sweep-file.md": sweepFileReference(),
    "experiments/sweep.schema.json": `${JSON.stringify(sweepSchema(), null, 2)}\n`,
  };
}
