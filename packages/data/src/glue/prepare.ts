import { join } from "node:path";
import { hashFile, hashJson } from "@pruning-bias/files";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { readGlueTokens, writeGlueTokens } from "./arrow.ts";
import { readGlue, splitFile } from "./read.ts";
import type { GlueTask } from "./tasks.ts";
import { type GlueTokens, tokenizeGlue } from "./tokens.ts";

/** Which split of which task is tokenised, and where the result is kept. */
export interface PrepareGlueOptions {
  /** A folder with `TASK/SPLIT` files, as for `readGlue`. */
  readonly dir: string;
  /** Which of the nine. */
  readonly task: GlueTask;
  /** As the hub calls it. */
  readonly split: string;
  /** What makes tokens of texts. */
  readonly tokenizer: Tokenizer;
  /** Where the tokens are kept. */
  readonly cacheDir: string;
  /** Told of a kept file that is damaged, and made again. */
  readonly onDamaged?: ((problem: string) => void) | undefined;
}

/**
 * A split of a task as token ids, kept as an Arrow file in `cacheDir` under a hash of its source and of the tokenizer. A
 * kept file that is damaged is made again. Throws what `readGlue` and `tokenizeGlue` throw.
 */
export async function prepareGlue(options: PrepareGlueOptions): Promise<GlueTokens> {
  const { dir, task, split, tokenizer, cacheDir, onDamaged } = options;
  const source = await hashFile(splitFile(dir, task, split), "examples");
  const key = hashJson({ format, task, source, tokenizer: tokenizer.fingerprint });
  const path = join(cacheDir, "glue-tokens", `${task}-${split}-${key.slice(0, 24)}.arrow`);
  const kept = await readGlueTokens(path, task, split).catch((error: Error) => {
    if ((error.cause as NodeJS.ErrnoException).code !== "ENOENT") onDamaged?.(error.message);
    return undefined;
  });
  if (kept !== undefined) return kept;
  const tokens = tokenizeGlue(task, split, await readGlue(dir, task, split), tokenizer);
  await writeGlueTokens(path, tokens);
  return tokens;
}

/** Raise when the same inputs give other files, so that older ones are left alone. */
const format = 1;
