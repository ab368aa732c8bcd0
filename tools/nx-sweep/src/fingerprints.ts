import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "@pruning-bias/cli/sweep";

/**
 * What the local files that a configuration names hold, by setting: a digest of their contents, or of size and time
 * where they are large. Files that other tasks make are hashed by Nx as those tasks' outputs.
 */
export function fingerprints(workspaceRoot: string, config: Config): Record<string, string> {
  const { datamodule, model } = config;
  const files = Object.entries({ ...datamodule.datafiles, ...datamodule.seat_data });
  const folder = model.hf_checkpoint ?? model.model_name;
  const weights = ["config.json", "model.safetensors", "tokenizer.json"].map(
    (file) => [`model/${file}`, join(folder, file)] as const,
  );
  const found = [...files, ...weights].flatMap(([setting, path]) => {
    if (/^https?:/.test(path) || path.startsWith("runs/")) return [];
    const print = fingerprint(resolve(workspaceRoot, path));
    return print === undefined ? [] : [[setting, print] as const];
  });
  return Object.fromEntries(found);
}

const MOST_HASHED = 16e6;

function fingerprint(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || !file.isFile()) return undefined;
  if (file.size > MOST_HASHED) return `${file.size}-${file.mtimeMs}`;
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}
