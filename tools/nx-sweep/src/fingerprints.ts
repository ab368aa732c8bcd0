import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { classifierOf, type Config } from "@pruning-bias/cli/sweep";

/** Which files: of the corpus, the word lists, the bias tests and the model, or of a GLUE task. */
export type Reads = "data" | `glue/${string}`;

/**
 * What the local files that a configuration names hold, by setting: a digest of their contents, or of size and time
 * where they are large. What `pretrain` makes is hashed by Nx as that task's output.
 */
export function fingerprints(workspaceRoot: string, config: Config, reads: Reads): Record<string, string> {
  const { datamodule, model, pretrain, pretrain_dir } = config;
  const made = resolve(workspaceRoot, pretrain_dir);
  const found: [string, string][] = [];
  const add = (setting: string, place: string, wanted: RegExp) => {
    if (/^https?:/i.test(place)) return;
    const path = resolve(workspaceRoot, place);
    if (pretrain !== null && !relative(made, path).startsWith("..")) return;
    for (const file of filesAt(path)) {
      const name = relative(path, file);
      if (name === "") found.push([setting, fingerprint(file)]);
      else if (wanted.test(name)) found.push([`${setting}/${name.replaceAll("\\", "/")}`, fingerprint(file)]);
    }
  };
  if (reads === "data") {
    for (const [setting, place] of Object.entries({ ...datamodule.datafiles, ...datamodule.seat_data })) {
      add(setting, place, /$^/);
    }
    // A classifier that is made first is hashed as that task's output.
    if (classifierOf(config) === undefined) add("model", model.hf_checkpoint ?? model.model_name, modelFiles);
  } else {
    add(reads, join(datamodule.glue_data, reads.slice("glue/".length)), /\.(tsv|parquet)$/);
  }
  return Object.fromEntries(found);
}

/** Files of a Hugging Face folder that a run reads. */
const modelFiles = /^(config\.json|model\.safetensors|tokenizer(_config)?\.json|vocab\.(txt|json)|merges\.txt)$/;

// The file itself, or what lies in a folder and in the folders right below it: GLUE has one for each task.
function filesAt(path: string): string[] {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return [];
  if (entry.isFile()) return [path];
  const below = (folder: string, depth: number): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((child) => {
      const at = join(folder, child.name);
      if (!statSync(at, { throwIfNoEntry: false })?.isDirectory()) return [at];
      return depth > 0 ? below(at, depth - 1) : [];
    });
  return below(path, 1).toSorted();
}

const MOST_HASHED = 16e6;

function fingerprint(path: string): string {
  const { size, mtimeMs } = statSync(path);
  if (size > MOST_HASHED) return `${size}-${mtimeMs}`;
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}
