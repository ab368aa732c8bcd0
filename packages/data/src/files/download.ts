import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { hashFile, printable, reason, sha256, writeWhole } from "@pruning-bias/files";

/** A function like the global `fetch`. */
export type Fetch = typeof globalThis.fetch;

/** Whether a path in a configuration is fetched from the network. */
export const isUrl = (source: string): boolean => /^https?:\/\//i.test(source);

/** What is fetched, and where it is kept. */
export interface DownloadOptions {
  /** Of `http` or `https`. */
  readonly url: string;
  /** Where copies are kept. */
  readonly cacheDir: string;
  /** What fetches; the global one by default. */
  readonly fetch?: Fetch | undefined;
  /** Checked where given, hexadecimal. */
  readonly sha256?: string | undefined;
  /** Told in one line of a copy that has changed since it came, before it is fetched again; nobody by default. */
  readonly onDamaged?: ((problem: string) => void) | undefined;
}

/**
 * Path of the local copy of a URL, fetched when it is not in the cache yet.
 *
 * The name is made of the URL's hash and its last part. A copy that has changed since is fetched again. Throws one line that
 * names the URL where the server cannot be reached, answers other than 200, or sends fewer bytes than it announced; then
 * nothing is kept.
 */
export async function download({ url, cacheDir, ...options }: DownloadOptions): Promise<string> {
  const name = basename(place(url).pathname).slice(-LONGEST_NAME) || "index";
  const path = join(cacheDir, "downloads", `${sha256(url).slice(0, 16)}-${name}`);
  await fetchOnce({ url, path, ...options });
  return path;
}

/** Fetches a URL into a file where that is not there, or has changed since it was fetched; errors as in `download`. */
async function fetchOnce(options: FetchOptions): Promise<void> {
  const { path } = options;
  if (!existsSync(path)) return fetchFile(options);
  const expected = await readFile(sumsOf(path), "utf8").catch(() => "");
  if (expected === "") return;
  const got = await hashFile(path, "a download");
  if (expected.startsWith(`${got}  `)) return;
  const problem = `${path}: it is damaged, its sha256 is ${got} and not as it came in`;
  options.onDamaged?.(problem);
  await fetchFile(options).catch((error: Error) => {
    throw new Error(`${problem}; ${error.message}`, { cause: error });
  });
}

type FetchOptions = Omit<DownloadOptions, "cacheDir"> & { readonly path: string };

/** Beside a download, as `sha256sum` writes it. */
const sumsOf = (path: string): string => `${path}.sha256`;

/** Fetches a URL into a file, atomically, and leaves its digest beside it; errors as in `download`. */
async function fetchFile({ url, path, fetch = globalThis.fetch, sha256 }: FetchOptions): Promise<void> {
  const { username, password } = place(url);
  if (username !== "" || password !== "") {
    throw new Error(`${address(url)}: expected a URL without user and password, got one with them`);
  }
  const response = await fetch(url).catch((error: unknown) => {
    throw new Error(`${address(url)}: expected an answer, ${reason(error)}`, { cause: error });
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(
      `${address(url)}: expected status 200, got ${response.status} ${printable(response.statusText)}`.trimEnd(),
    );
  }
  await writeWhole(path, checked(response, url, path, sha256));
}

/** The bytes of an answer; throws after the last where length or checksum are not as announced. */
async function* checked(
  response: Response,
  url: string,
  path: string,
  sha256: string | undefined,
): AsyncGenerator<Uint8Array> {
  // With a content encoding the length counts other bytes than those that arrive here.
  const announced = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
  const expected = announced === null ? "the whole file" : `${announced} bytes`;
  const hash = createHash("sha256");
  let length = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw new Error(`${address(url)}: expected ${expected}, got ${length} (${reason(error)})`, { cause: error });
  }
  if (announced !== null && Number(announced) !== length) {
    throw new Error(`${address(url)}: expected ${expected}, got ${length}`);
  }
  const got = hash.digest("hex");
  if (sha256 !== undefined && got !== sha256.toLowerCase()) {
    throw new Error(`${address(url)}: expected sha256 ${sha256}, got ${got}`);
  }
  // Before the file has its name: whoever is stopped in between leaves a digest of nothing, and not a file without one.
  await writeWhole(sumsOf(path), `${got}  ${basename(path)}\n`);
}

/** A URL as errors may show it: without user, password and query, where tokens travel. */
function address(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function place(url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new Error(`${printable(url.replace(/\/\/[^/]*@/, "//"))}: expected a URL, got something else`);
}

/** Names of files end after 255 bytes; 17 stand before. */
const LONGEST_NAME = 120;
