import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { printable, shown } from "../shown.ts";
import { writeWhole } from "../whole.ts";
import { store } from "./blobs.ts";
import { damagedFiles } from "./damaged.ts";
import { addressOf, type Answer, type HubAccess, type Repository, request, wordFor } from "./request.ts";

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

/** Which files of a repository are needed. */
export interface Needed {
  /** The name of a file that a snapshot's folder lacks; `undefined` where it is whole. */
  readonly lacking: (folder: string) => Promise<string | undefined>;
  /** Fetches them all. */
  readonly fill: (snapshot: Snapshot) => Promise<void>;
}

/** A snapshot that files come into. */
export interface Snapshot {
  /** Its folder, once a file was asked for. */
  readonly folder: () => string;
  /** Fetches a file that is not there yet; `false` where the hub has none of that name. */
  readonly fetch: (file: string) => Promise<boolean>;
  /** The error for a file that the hub does not have and that is needed; `meaning` says what follows. */
  readonly absent: (file: string, meaning?: string) => Error;
}

/**
 * The folder of a model's or data set's snapshot in the hub's cache, with the files that are needed, downloaded if need be. A
 * revision that the cache has is not asked for again, so that all runs of a sweep see the same files; a file of it that is no
 * longer what its hash says is.
 *
 * Downloads go on where they were cut, in this process or the next; sizes and hashes are checked; several processes may
 * ask for the same files at once.
 *
 * @throws Error `ID: …`, one line: unreachable hub, no such repository or file, a token that is missing or not enough
 */
export async function resolveSnapshot(repository: Repository, needed: Needed, options: HubOptions): Promise<string> {
  const { kind, id } = repository;
  // As on the hub, whose cache tells ORG/NAME from ORG--NAME by this alone.
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(id) || /--|\.\./.test(id)) {
    throw new Error(`${printable(id)}: expected a folder or a ${wordFor[kind]}'s id such as ORG/NAME, got neither`);
  }
  const { revision = "main", cacheDir, offline = false } = options;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(revision) || revision.length > 200) {
    throw new Error(`${id}: expected a branch, tag or commit as revision, got ${shown(revision)}`);
  }
  const storage = join(cacheDir, `${kind}s--${id.replaceAll("/", "--")}`);
  const ref = join(storage, "refs", revision);
  const cached = await readFile(ref, "utf8").then(
    // What it names is a folder beside the others.
    (text) => (isCommit(text.trim()) ? text.trim() : revision),
    () => revision,
  );
  const own = sha1(`${options.endpoint} ${id} ${revision}`);
  const folder = join(storage, "snapshots", cached);
  await removeDamaged(id, folder, { ...options, gitNames: cached !== own });
  const lacking = await needed.lacking(folder);
  if (lacking === undefined) return folder;
  if (offline) throw new Error(`${id}: expected ${lacking} in ${cacheDir}, found none, and is to ask nobody (offline)`);

  // The first file tells the commit, and the others are of that commit even if the branch moves meanwhile.
  let [at, commit] = [revision, undefined as string | undefined];
  const get = (file: string, from: number) => request({ repository, revision: at, file, from }, options);
  const snapshot = () => join(storage, "snapshots", commit ?? cached);
  const keep = (file: string, answer: Answer) => {
    const again = async (from: number) => {
      const more = await get(file, from);
      if (more === undefined || more.etag !== answer.etag) throw new Error(`${answer.url}: changed while it came in`);
      return more;
    };
    const onProgress =
      options.onProgress && ((state: Omit<HubProgress, "file">) => options.onProgress!({ file, ...state }));
    const place = { blobs: join(storage, "blobs"), path: join(snapshot(), file) };
    return store(answer, again, place, { onProgress, retries: options.retries });
  };
  await needed.fill({
    folder: snapshot,
    async fetch(file) {
      if (commit !== undefined && existsSync(join(snapshot(), file))) return true;
      const answer = await get(file, 0);
      if (answer === undefined) return false;
      at = answer.commit ?? at;
      commit ??= answer.commit ?? (isCommit(revision) ? revision : own);
      await keep(file, answer);
      return true;
    },
    absent(file, meaning = `no such ${wordFor[kind]}, revision or file`) {
      return new Error(
        `${id}: ${addressOf({ repository, revision: at, file }, options.endpoint)} answered 404: ${meaning}`,
      );
    },
  });
  if (!isCommit(revision)) await writeWhole(ref, commit ?? cached);
  return snapshot();
}

/** Takes files that are damaged out of the cache; their links stay, which tells that they were there. */
async function removeDamaged(
  id: string,
  snapshot: string,
  { offline = false, onDamaged, gitNames }: Pick<HubOptions, "offline" | "onDamaged"> & { readonly gitNames: boolean },
): Promise<void> {
  if (!(await isFolder(snapshot))) return;
  for (const { file, blob } of await damagedFiles(snapshot, { gitNames })) {
    const problem = `${id}: ${file}: expected the content that ${blob} is named after, got another: it is damaged`;
    if (offline) throw new Error(`${problem}, and the hub is not to be asked (offline)`);
    onDamaged?.(problem);
    await rm(blob, { force: true });
  }
}

const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
