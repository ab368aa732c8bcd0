import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { digestOfFile } from "../digest.ts";
import { makeFolder } from "../whole.ts";
import { type Answer, reason } from "./request.ts";

export interface StoreOptions {
  /** Bytes that are there so far, of how many (0: the hub does not say). */
  readonly onProgress?: ((state: { readonly bytes: number; readonly totalBytes: number }) => void) | undefined;
  /** How often to go on after a connection that was cut. */
  readonly retries?: number | undefined;
}

/**
 * Puts a file's content into `blobs` under its hash, and a link to it at `path`, as Hugging Face's cache has it. What a
 * process that is gone left of it is gone on with: `again` asks for the rest.
 *
 * @throws Error `URL: …`, one line: cut short, another size or hash than announced
 */
export async function store(
  answer: Answer,
  again: (from: number) => Promise<Answer>,
  { blobs, path }: { blobs: string; path: string },
  options: StoreOptions = {},
): Promise<void> {
  await makeFolder(blobs);
  await makeFolder(dirname(path));
  const { etag } = answer;
  const known = etag !== undefined && existsSync(join(blobs, etag));
  if (known) await answer.close();
  await link(known ? join(blobs, etag) : await save(answer, again, blobs, options), path);
}

async function save(
  answer: Answer,
  again: (from: number) => Promise<Answer>,
  blobs: string,
  options: StoreOptions,
): Promise<string> {
  const { url, etag, commit, size } = answer;
  const part = await claim(blobs, etag);
  await fill(part, answer, again, options);
  const there = await sizeOf(part);
  const sha256 = await digestOfFile(part);
  const wrong = async (expected: string, got: string): Promise<never> => {
    await rm(part, { force: true });
    throw new Error(`${url}: expected ${expected}, got ${got}`);
  };
  if (size !== undefined && there !== size) await wrong(`${size} bytes`, `${there}`);
  if (etag?.length === 64 && etag !== sha256) await wrong(`sha256 ${etag}`, sha256);
  if (etag?.length === 40 && commit !== undefined) {
    const object = await digestOfFile(part, createHash("sha1").update(`blob ${there}\0`));
    if (etag !== object) await wrong(`git object ${etag}`, object);
  }
  const blob = join(blobs, etag ?? sha256);
  await rename(part, blob);
  return blob;
}

/** Writes the rest of the content behind what is there, over as many connections as it takes. */
async function fill(
  part: string,
  first: Answer,
  again: (from: number) => Promise<Answer>,
  { onProgress, retries = 5 }: StoreOptions,
): Promise<void> {
  let answer = first;
  let from = await sizeOf(part);
  if (from > 0) {
    await first.close();
    answer = await again(from);
  }
  for (let cuts = 0; ;) {
    const behind = answer.response.status === 206 && startOf(answer.response) === from;
    let bytes = behind ? from : 0;
    const totalBytes = answer.size ?? 0;
    const most = answer.size ?? UNANNOUNCED;
    const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > most) throw new Error(`${first.url}: expected ${most} bytes, got more`);
        yield chunk;
        onProgress?.({ bytes, totalBytes });
      }
    };
    try {
      await pipeline(answer.body, counted, createWriteStream(part, { flags: behind ? "a" : "w", flush: true }));
      return;
    } catch (error) {
      await answer.close();
      if (bytes > most) {
        await rm(part, { force: true });
        throw error;
      }
      const there = await sizeOf(part);
      // A connection that brought something is a new beginning.
      cuts = there > from ? 1 : cuts + 1;
      if (cuts > retries)
        throw new Error(`${first.url}: the download was cut short (${reason(error)})`, { cause: error });
      from = there;
      answer = await again(from);
    }
  }
}

/** Bytes of a file whose size the hub does not tell: what never ends would fill the disk. */
const UNANNOUNCED = 20e9;

/**
 * A file to write the content to that no other process writes to: the largest that a process which is gone has left, or a
 * new one. Whoever renames it first has it.
 */
async function claim(blobs: string, etag: string | undefined): Promise<string> {
  const own = join(blobs, `${etag ?? "unnamed"}.${process.pid}@${hostname()}.${randomUUID()}.incomplete`);
  if (etag === undefined) return own;
  const names = (await readdir(blobs)).filter((name) => name.startsWith(`${etag}.`) && name.endsWith(".incomplete"));
  const left: { path: string; size: number }[] = [];
  for (const name of names) {
    const path = join(blobs, name);
    if (await isAbandoned(path, name)) left.push({ path, size: await sizeOf(path) });
  }
  for (const { path } of left.toSorted((a, b) => b.size - a.size)) {
    const mine = await rename(path, own).then(
      () => true,
      () => false,
    );
    if (mine) break;
  }
  return own;
}

const STALE = 10 * 60_000;

/** Whether nobody writes to it any more: on this machine its process is gone, on another's it did not grow for long. */
async function isAbandoned(path: string, name: string): Promise<boolean> {
  const [, pid, host] = /\.(\d+)@(.*)\.[0-9a-f-]{36}\.incomplete$/.exec(name) ?? [];
  if (pid === undefined) return false; // Python's, which locks it
  if (host === hostname()) return !isRunning(Number(pid));
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > STALE;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function link(blob: string, path: string): Promise<void> {
  await symlink(relative(dirname(path), blob), path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") {
      if (existsSync(path)) return; // another process was here first
      // What it leads to is gone, and the same file may have another name by now.
      await rm(path, { force: true });
      return link(blob, path);
    }
    if (error.code !== "EPERM") throw error;
    await copyFile(blob, path); // file systems without links
  });
}

const startOf = ({ headers }: Response): number =>
  Number(/^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1] ?? NaN);

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );
