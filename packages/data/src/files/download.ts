import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { writeAtomic } from "./atomic.ts";
import { reason } from "./reason.ts";

/** A function like the global `fetch`. */
export type Fetch = typeof globalThis.fetch;

/** Whether a path in a configuration is fetched from the network. */
export const isUrl = (source: string): boolean => /^https?:\/\//i.test(source);

/** What is fetched, and where it is kept. */
export interface DownloadOptions {
  readonly url: string;
  readonly cacheDir: string;
  readonly fetch?: Fetch | undefined;
  /** Checked where given, hexadecimal. */
  readonly sha256?: string | undefined;
}

/**
 * Path of the local copy of a URL, fetched when it is not in the cache yet.
 *
 * The name is made of the URL's hash and its last part. Throws one line that names the URL where the server cannot be
 * reached, answers other than 200, or sends fewer bytes than it announced; then nothing is kept.
 */
export async function download({ url, cacheDir, ...options }: DownloadOptions): Promise<string> {
  const name = basename(new URL(url).pathname) || "index";
  const path = join(cacheDir, "downloads", `${sha256Hex(url).slice(0, 16)}-${name}`);
  if (!existsSync(path)) await fetchFile({ url, path, ...options });
  return path;
}

/** Fetches a URL into a file, atomically; errors as in `download`. */
export async function fetchFile({
  url,
  path,
  fetch = globalThis.fetch,
  sha256,
}: Omit<DownloadOptions, "cacheDir"> & { readonly path: string }): Promise<void> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new Error(`${printable(url)}: expected an answer, ${reason(error)}`, { cause: error });
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`${printable(url)}: expected status 200, got ${response.status} ${response.statusText}`.trimEnd());
  }
  await writeAtomic(path, checked(response, url, sha256));
}

/** The bytes of an answer; throws after the last where length or checksum are not as announced. */
async function* checked(response: Response, url: string, sha256: string | undefined): AsyncGenerator<Uint8Array> {
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
    throw new Error(`${printable(url)}: expected ${expected}, got ${length} (${reason(error)})`, { cause: error });
  }
  if (announced !== null && Number(announced) !== length) {
    throw new Error(`${printable(url)}: expected ${expected}, got ${length}`);
  }
  const got = hash.digest("hex");
  if (sha256 !== undefined && got !== sha256.toLowerCase()) {
    throw new Error(`${printable(url)}: expected sha256 ${sha256}, got ${got}`);
  }
}

/** A URL as errors may show it: without user, password and query, where tokens travel. */
function printable(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");
