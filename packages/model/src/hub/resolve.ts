import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { printable, shown, writeWhole } from "@pruning-bias/files";
import { shardFiles } from "../stored-weights.ts";
import { store } from "./blobs.ts";
import { damagedFiles } from "./damaged.ts";
import { type HubAccess, request } from "./request.ts";

/** How the hub is reached, and where its files are kept. */
export interface HubOptions extends HubAccess {
  /** The hub's cache, `$HF_HOME/hub`, laid out as Hugging Face's Python lays it out. */
  readonly cacheDir: string;
  /** A branch, tag or commit, `main` by default; `refs/pr/N` for a change proposed on the hub. */
  readonly revision?: string;
  /** Takes what the cache has, and asks nobody; `false` by default. */
  readonly offline?: boolean;
  /** Called while a file comes in; `totalBytes` is 0 where the hub does not say. */
  readonly onProgress?: (state: HubProgress) => void;
  /** Told of cached files that are damaged, and fetched again. */
  readonly onDamaged?: (problem: string) => void;
}

/** How far the download of a file is, in bytes. */
export interface HubProgress {
  /** As the hub calls it: `model.safetensors`. */
  readonly file: string;
  /** That are here. */
  readonly bytes: number;
  /** 0 where the hub does not say. */
  readonly totalBytes: number;
}

/**
 * The folder of a model: `model` itself where it is one, else its snapshot in the hub's cache, downloaded if need be. A
 * revision that the cache has is not asked for again, so that all runs of a sweep see the same model; a file of it that is no
 * longer what its hash says is.
 *
 * Downloads go on where they were cut, in this process or the next; sizes and hashes are checked; several processes may
 * ask for the same model at once.
 *
 * @throws Error `ID: …`, one line: unreachable hub, no such model or file, a token that is missing or not enough
 */
export async function resolveModel(model: string, options: HubOptions): Promise<string> {
  if (await isFolder(model)) return model;
  if (/\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(model)) {
    throw new Error(
      `${printable(model)}: expected a model's folder or id, got a pickle by its name, which is never read`,
    );
  }
  // As on the hub, whose cache tells ORG/NAME from ORG--NAME by this alone.
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(model) || /--|\.\./.test(model)) {
    throw new Error(`${printable(model)}: expected a folder or a model's id such as ORG/NAME, got neither`);
  }
  const { revision = "main", cacheDir, offline = false } = options;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(revision) || revision.length > 200) {
    throw new Error(`${model}: expected a branch, tag or commit as revision, got ${shown(revision)}`);
  }
  const storage = join(cacheDir, `models--${model.replaceAll("/", "--")}`);
  const ref = join(storage, "refs", revision);
  const cached = await readFile(ref, "utf8").then(
    // What it names is a folder beside the others.
    (text) => (isCommit(text.trim()) ? text.trim() : revision),
    () => revision,
  );
  const own = sha1(`${options.endpoint} ${model} ${revision}`);
  await removeDamaged(model, join(storage, "snapshots", cached), { ...options, gitNames: cached !== own });
  const lacking = await missing(join(storage, "snapshots", cached));
  if (lacking === undefined) return join(storage, "snapshots", cached);
  if (offline)
    throw new Error(`${model}: expected ${lacking} in ${cacheDir}, found none, and is to ask nobody (offline)`);

  // The first file tells the commit, and the others are of that commit even if the branch moves meanwhile.
  const get = (file: string, at: string) => (from: number) => request({ model, revision: at, file, from }, options);
  const first = await get("config.json", revision)(0);
  if (first === undefined) throw absent(model, "config.json", revision, options);
  const commit = first.commit ?? (isCommit(revision) ? revision : own);
  const at = first.commit ?? revision;
  const snapshot = join(storage, "snapshots", commit);
  const keep = (file: string, answer: typeof first) => {
    const again = async (from: number) => {
      const more = await get(file, at)(from);
      if (more === undefined || more.etag !== answer.etag) throw new Error(`${answer.url}: changed while it came in`);
      return more;
    };
    const onProgress =
      options.onProgress && ((state: Omit<HubProgress, "file">) => options.onProgress!({ file, ...state }));
    const place = { blobs: join(storage, "blobs"), path: join(snapshot, file) };
    return store(answer, again, place, { onProgress, retries: options.retries });
  };
  /** Whether the snapshot has the file, after it was asked for. */
  const fetched = async (file: string): Promise<boolean> => {
    if (existsSync(join(snapshot, file))) return true;
    const answer = await get(file, at)(0);
    if (answer !== undefined) await keep(file, answer);
    return answer !== undefined;
  };
  await keep("config.json", first);
  if (!(await fetched("tokenizer.json")) && !(await fetched("vocab.txt"))) {
    throw absent(model, "tokenizer.json", at, options);
  }
  if (!(await fetched(WEIGHTS))) {
    if (!(await fetched(INDEX))) throw absent(model, WEIGHTS, at, options);
    for (const shard of await shardFiles(join(snapshot, INDEX))) {
      if (!(await fetched(shard))) throw absent(model, shard, at, options);
    }
  }
  for (const file of welcome) await fetched(file);
  if (!isCommit(revision)) await writeWhole(ref, commit);
  return snapshot;
}

/** Takes files that are damaged out of the cache; their links stay, which tells that they were there. */
async function removeDamaged(
  model: string,
  snapshot: string,
  { offline = false, onDamaged, gitNames }: Pick<HubOptions, "offline" | "onDamaged"> & { readonly gitNames: boolean },
): Promise<void> {
  if (!(await isFolder(snapshot))) return;
  for (const { file, blob } of await damagedFiles(snapshot, { gitNames })) {
    const problem = `${model}: ${file}: expected the content that ${blob} is named after, got another: it is damaged`;
    if (offline) throw new Error(`${problem}, and the hub is not to be asked (offline)`);
    onDamaged?.(problem);
    await rm(blob, { force: true });
  }
}

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const welcome = ["tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt"];
const wanted = new Set(["config.json", "tokenizer.json", INDEX, ...welcome]);

/** A file that a snapshot lacks and a model needs, or that it had; `undefined` where it is whole. */
async function missing(snapshot: string): Promise<string | undefined> {
  const has = (file: string) => existsSync(join(snapshot, file));
  const links = await readdir(snapshot).catch(() => []);
  const lost = links.find((file) => (wanted.has(file) || file.endsWith(".safetensors")) && !has(file));
  if (lost !== undefined) return lost;
  if (!has("config.json")) return "config.json";
  if (!has("tokenizer.json") && !has("vocab.txt")) return "tokenizer.json";
  if (has(WEIGHTS)) return undefined;
  return has(INDEX) ? (await shardFiles(join(snapshot, INDEX))).find((shard) => !has(shard)) : WEIGHTS;
}

function absent(model: string, file: string, revision: string, { endpoint }: HubOptions): Error {
  const url = `${endpoint.replace(/\/+$/, "")}/${model}/resolve/${encodeURIComponent(revision)}/${file}`;
  const meaning =
    file === WEIGHTS
      ? `the model has no ${WEIGHTS} (convert its weights with transformers' save_pretrained, or look for a revision refs/pr/N that has it)`
      : "no such model, revision or file";
  return new Error(`${model}: ${url} answered 404: ${meaning}`);
}

const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
