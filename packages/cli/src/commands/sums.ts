import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { hashFile, sha256, writeWhole } from "@pruning-bias/files";

/** The name of the digests in a model's folder. */
export const MODEL_SUMS = "SHA256SUMS";

/**
 * Writes the SHA-256 of files beside them, as `sha256sum --check` reads it: so that a bit that flips in a result is noticed, by us
 * and by others. Folders stand for all files in them; what is not there is left out.
 */
export async function writeSums(path: string, names: readonly string[]): Promise<void> {
  const folder = dirname(path);
  const files = (await Promise.all(names.map((name) => filesAt(join(folder, name))))).flat();
  const lines: string[] = [];
  for (const file of files.filter((file) => resolve(file) !== resolve(path)).toSorted()) {
    lines.push(
      `${await hashFile(file, "a file to take the digest of")}  ${relative(folder, file).replaceAll("\\", "/")}\n`,
    );
  }
  await writeWhole(path, lines.join(""));
}

/**
 * Digests by path, of all files of that name in a folder, and of those that end in `.sha256`; none where there is none. Names that
 * lead out of the folder are passed over: what lies there is not this folder's, and may have no end.
 */
export async function readSums(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder).catch(() => [])).filter(
    (name) => name.endsWith(".sha256") || name === MODEL_SUMS,
  );
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return new Map(texts.flatMap((text) => sumsIn(text, folder)));
}

const sumsIn = (text: string, folder: string): (readonly [path: string, digest: string])[] =>
  [...text.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)]
    .map(([, digest, name]) => [join(folder, name!), digest!] as const)
    .filter(([path]) => !/^\.\.($|[/\\])/.test(relative(folder, path)));

/** Whether the digests at a path are there, that of `name` among them, and all files that they are of are as they were written. */
export async function isWhole(path: string, name: string): Promise<boolean> {
  const sums = sumsIn(await readFile(path, "utf8").catch(() => ""), dirname(path));
  if (!sums.some(([file]) => file === join(dirname(path), name))) return false;
  for (const [file, digest] of sums) {
    if (!existsSync(file) || (await hashFile(file, "a result")) !== digest) return false;
  }
  return true;
}

/**
 * A file's text.
 *
 * @throws Error in one line where `sums` has another digest of it
 */
export async function readChecked(path: string, sums: ReadonlyMap<string, string>): Promise<string> {
  const bytes = await readFile(path);
  check(path, sha256(bytes), sums);
  return bytes.toString("utf8");
}

/**
 * A file or folder that a run may have left, or not.
 *
 * @throws Error in one line where it is not there, and `sums` has a digest of it
 */
export function checkThere(path: string, sums: ReadonlyMap<string, string>): void {
  if (existsSync(path) || ![...sums.keys()].some((file) => file === path || file.startsWith(join(path, "/")))) return;
  throw new Error(
    `${path}: expected what was written there, of which there are digests in *.sha256 or ${MODEL_SUMS}, found none`,
  );
}

/**
 * Compares the files of a model's folder with their digests, where it has any. Those that carry their own are left to whoever
 * reads them.
 *
 * @throws Error in one line, naming the first that differs, or that the model needs and that is no longer there
 */
export async function checkModel(folder: string): Promise<void> {
  const sums = await readSums(folder);
  for (const path of sums.keys()) {
    if (needed.test(relative(folder, path))) checkThere(path, sums);
    if (path.endsWith(".safetensors") || !existsSync(path)) continue;
    check(path, await hashFile(path, "a file of a model"), sums);
  }
}

/** Settings and tokenizer of a model; written down here, since reports read digests, and no code of models. */
const needed =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$|^(vocab|merges)\.txt$|^spiece\.model$/;

function check(path: string, digest: string, sums: ReadonlyMap<string, string>): void {
  const expected = sums.get(path);
  if (expected === undefined || expected === digest) return;
  throw new Error(
    `${path}: expected sha256 ${expected}, as when it was written, got ${digest}: it is damaged, or was changed since (then delete its line beside it, in *.sha256 or ${MODEL_SUMS})`,
  );
}

async function filesAt(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
