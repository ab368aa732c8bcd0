import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import writeFileAtomic from "write-file-atomic";

export interface HubOptions {
  /** Address of the hub, `https://huggingface.co` or a mirror's; anything that serves `/ID/resolve/REVISION/FILE`. */
  endpoint: string;
  /** Sent to the endpoint and to nobody else. */
  token?: string | undefined;
  /** The hub's cache, `$HF_HOME/hub`, laid out as Hugging Face's Python lays it out. */
  cacheDir: string;
  /** A branch, tag or commit. */
  revision?: string;
  fetch?: typeof globalThis.fetch;
}

/**
 * The folder of a model: `model` itself where it is one, else its snapshot in the hub's cache, downloaded if need be. A
 * revision that the cache has is not asked for again, so that all runs of a sweep see the same model.
 *
 * @throws Error `ID: …`, one line: unreachable hub, no such model or file, a token that is missing or not enough
 */
export async function resolveModel(model: string, options: HubOptions): Promise<string> {
  if (await isFolder(model)) return model;
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(model)) {
    throw new Error(`${model}: expected a folder or a model's id such as ORG/NAME, got neither`);
  }
  const { revision = "main", cacheDir } = options;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(revision)) {
    throw new Error(`${model}: expected a branch, tag or commit as revision, got ${JSON.stringify(revision)}`);
  }
  const storage = join(cacheDir, `models--${model.replaceAll("/", "--")}`);
  const ref = join(storage, "refs", revision);
  const cached = await readFile(ref, "utf8").then(
    (text) => text.trim(),
    () => revision,
  );
  if (needed.every((file) => existsSync(join(storage, "snapshots", cached, file)))) {
    return join(storage, "snapshots", cached);
  }

  // The first file tells the commit, and the others are of that commit even if the branch moves meanwhile.
  const first = await request(model, needed[0]!, revision, options);
  const commit = first.commit ?? (isCommit(revision) ? revision : sha1(`${options.endpoint} ${model} ${revision}`));
  const snapshot = join(storage, "snapshots", commit);
  await store(first, storage, join(snapshot, needed[0]!));
  for (const file of [...needed.slice(1), ...welcome]) {
    if (existsSync(join(snapshot, file))) continue;
    const answer = await request(model, file, first.commit ?? revision, options);
    if (answer.response !== undefined) await store(answer, storage, join(snapshot, file));
  }
  if (!isCommit(revision)) {
    await mkdir(dirname(ref), { recursive: true });
    await writeFileAtomic(ref, commit);
  }
  return snapshot;
}

const needed = ["config.json", "tokenizer.json", "model.safetensors"];
const welcome = ["tokenizer_config.json", "special_tokens_map.json", "vocab.txt"];

interface Answer {
  url: string;
  /** Absent where the hub has no such file and the file is not needed. */
  response: Response | undefined;
  commit: string | undefined;
  /** Name of the content: a git object's or SHA-256 hash. */
  etag: string | undefined;
}

async function request(model: string, file: string, revision: string, options: HubOptions): Promise<Answer> {
  const { endpoint, token, fetch = globalThis.fetch } = options;
  const url = `${endpoint.replace(/\/+$/, "")}/${model}/resolve/${encodeURIComponent(revision)}/${file}`;
  const answer: Answer = { url, response: undefined, commit: undefined, etag: undefined };
  // Redirects are followed by hand: the commit and the hash are in the headers of the first answers, and the token is
  // for the hub, not for where it keeps its files.
  for (let hop = 0, at = url; hop < 6; hop++) {
    const trusted = token !== undefined && new URL(at).origin === new URL(endpoint).origin;
    const headers = trusted ? { authorization: `Bearer ${token.trim()}` } : {};
    const response = await fetch(at, { headers, redirect: "manual" }).catch((error: unknown) => {
      throw new Error(`${model}: ${new URL(at).origin} cannot be reached (${reason(error)})`);
    });
    answer.commit ??= hashIn(response, "x-repo-commit", /^[0-9a-f]{40}$/);
    answer.etag ??= hashIn(response, "x-linked-etag", HASH) ?? hashIn(response, "etag", HASH);
    if (response.ok) return { ...answer, response };
    await response.body?.cancel();
    const location = response.status >= 300 && response.status < 400 ? response.headers.get("location") : null;
    if (location !== null) {
      at = new URL(location, at).href;
      continue;
    }
    if (response.status === 404 && welcome.includes(file)) return answer;
    throw new Error(`${model}: ${url} answered ${response.status}${meaning(response.status, file)}`);
  }
  throw new Error(`${model}: ${url}: expected a file, got redirects without end`);
}

/** Puts the content under `blobs/` and a link to it in the snapshot, as Hugging Face's cache has it. */
async function store({ url, response, etag }: Answer, storage: string, path: string): Promise<void> {
  const blobs = join(storage, "blobs");
  await mkdir(blobs, { recursive: true });
  await mkdir(dirname(path), { recursive: true });
  const known = etag !== undefined && existsSync(join(blobs, etag));
  if (known) await response!.body?.cancel();
  await link(known ? join(blobs, etag) : await save(url, response!, blobs, etag), path);
}

async function save(url: string, response: Response, blobs: string, etag: string | undefined): Promise<string> {
  const part = join(blobs, `${randomUUID()}.incomplete`);
  const hash = createHash("sha256");
  try {
    await pipeline(
      Readable.fromWeb(response.body!),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(part, { flush: true }),
    ).catch((error: unknown) => {
      throw new Error(`${url}: the download was cut short (${reason(error)})`);
    });
    const sha256 = hash.digest("hex");
    if (etag?.length === 64 && etag !== sha256) throw new Error(`${url}: expected sha256 ${etag}, got ${sha256}`);
    const blob = join(blobs, etag ?? sha256);
    await rename(part, blob);
    return blob;
  } finally {
    await rm(part, { force: true });
  }
}

async function link(blob: string, path: string): Promise<void> {
  await symlink(relative(dirname(path), blob), path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return; // another process was here first
    if (error.code !== "EPERM") throw error;
    await copyFile(blob, path); // file systems without links
  });
}

const HASH = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

const hashIn = (response: Response, header: string, pattern: RegExp): string | undefined => {
  const value = response.headers.get(header)?.replace(/^W\/|"/g, "");
  return value !== undefined && pattern.test(value) ? value : undefined;
};

function meaning(status: number, file: string): string {
  if (status === 401 || status === 403) return ": no such model, or one that needs a token with access to it";
  if (status !== 404) return "";
  return file === "model.safetensors"
    ? ": the model has no model.safetensors (convert its weights with transformers' save_pretrained)"
    : ": no such model, revision or file";
}

// Never the error's own message: it may quote headers.
function reason(error: unknown): string {
  const { cause, name } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? (error as NodeJS.ErrnoException).code ?? name;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
