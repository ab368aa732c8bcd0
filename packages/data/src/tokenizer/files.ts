import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { printable, reason } from "@pruning-bias/files";
import { z } from "zod";
import { backtracking } from "./patterns.ts";
import { wordPieceJson } from "./word-piece.ts";

/** Characters; WordPiece's time for a word grows with their third power. Checkpoints have 100. */
const LONGEST_WORD = 512;

const Json = z.looseObject({
  model: z.looseObject({
    type: z.string().optional(),
    max_input_chars_per_word: z.int().nonnegative().max(LONGEST_WORD).nullish(),
  }),
  added_tokens: z.array(
    z.looseObject({
      id: z.int().nonnegative(),
      content: z.string(),
      lstrip: z.boolean().optional(),
      rstrip: z.boolean().optional(),
    }),
  ),
  normalizer: z
    .looseObject({
      type: z.string(),
      clean_text: z.boolean().optional(),
      handle_chinese_chars: z.boolean().optional(),
      strip_accents: z.boolean().nullish(),
      lowercase: z.boolean().optional(),
    })
    .nullable(),
  pre_tokenizer: z.looseObject({ type: z.string() }).nullable(),
  post_processor: z.looseObject({ type: z.string() }).nullable(),
  decoder: z.looseObject({ type: z.string() }).nullable(),
});

const Token = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);
const Config = z.looseObject({
  do_lower_case: z.boolean().optional(),
  pad_token: Token.nullish(),
  mask_token: Token.nullish(),
  unk_token: Token.nullish(),
});

/** What a checkpoint's folder says of its tokenizer. */
export interface TokenizerFiles {
  readonly json: z.infer<typeof Json>;
  readonly config: z.infer<typeof Config>;
}

/**
 * Reads `tokenizer.json`, or builds it from the `vocab.txt` of an older BERT folder, and `tokenizer_config.json` where
 * there is one. Throws one line that names the file.
 */
export async function readTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const config = (await readJson(join(dir, "tokenizer_config.json"), Config)) ?? {};
  const json = await readJson(join(dir, "tokenizer.json"), Json);
  if (json !== undefined) {
    checkIds(join(dir, "tokenizer.json"), json);
    const pattern = backtracking([json.normalizer, json.pre_tokenizer, json.post_processor, json.decoder]);
    if (pattern === undefined) return { json, config };
    throw new Error(
      `${join(dir, "tokenizer.json")}: expected patterns whose time is bounded, got ${printable(JSON.stringify(pattern))}`,
    );
  }
  const vocabulary = await readText(join(dir, "vocab.txt"));
  if (vocabulary === undefined) throw new Error(`${dir}: expected tokenizer.json or vocab.txt, found neither`);
  const pieces = vocabulary.replace(/\r?\n$/, "").split(/\r?\n/);
  try {
    return { json: wordPieceJson(pieces, { lowercase: config.do_lower_case ?? true }), config };
  } catch (error) {
    throw new Error(`${join(dir, "vocab.txt")}: ${(error as Error).message}`, { cause: error });
  }
}

/** More than any vocabulary has. */
export const MOST_IDS = 2 ** 24;

/** The library makes a list as long as the highest id, and walks it. */
function checkIds(path: string, { model, added_tokens }: z.infer<typeof Json>): void {
  const { vocab } = model;
  const own = typeof vocab === "object" && vocab !== null && !Array.isArray(vocab) ? Object.values(vocab) : [];
  for (const id of [...own, ...added_tokens.map((token) => token.id)] as unknown[]) {
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MOST_IDS) continue;
    throw new Error(
      `${path}: expected ids from 0 and below ${MOST_IDS}, got ${printable(JSON.stringify(id) ?? "none")}`,
    );
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const got =
      issue === undefined
        ? "JSON, found something else"
        : `a tokenizer, at ${printable(issue.path.join("."))}: ${printable(issue.message)}`;
    throw new Error(`${path}: expected ${got}`, { cause: error });
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${path}: expected a tokenizer's file, ${reason(error)}`, { cause: error });
  }
}
