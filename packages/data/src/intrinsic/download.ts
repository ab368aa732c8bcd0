import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { download, type Fetch } from "../files/download.ts";
import { type PublishedFile, publishedFiles } from "./published.ts";

/** Which bias test is fetched, and where it is kept. */
export interface DownloadTestOptions {
  /** Where the test is. */
  readonly url: string;
  /** Where the copy is kept. */
  readonly cacheDir: string;
  /** What fetches URLs; the global one by default. */
  readonly fetch?: Fetch | undefined;
  /** Told in one line of a copy that has changed since it came, before it is fetched again; nobody by default. */
  readonly onDamaged?: ((problem: string) => void) | undefined;
  /** What is known of files, by URL; `publishedFiles` by default. */
  readonly known?: Readonly<Record<string, PublishedFile>>;
}

/**
 * Path of the local copy of a test set, fetched when it is not in the cache yet. Where it is one of `publishedTests`, its size
 * and hash are compared, those of a cached copy too; one that differs is not kept.
 *
 * @throws what `download` throws, and Error in one line where the file is another
 */
export async function downloadTest({ known = publishedFiles, ...options }: DownloadTestOptions): Promise<string> {
  const path = await download(options);
  const facts = known[options.url];
  if (facts === undefined) return path;
  const content = await readFile(path);
  const blob = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  if (blob === facts.gitBlob && content.length === (facts.bytes ?? content.length)) return path;
  await rm(path, { force: true });
  const expected = `${facts.bytes === undefined ? "" : `${facts.bytes} bytes of `}git blob ${facts.gitBlob}`;
  throw new Error(`${options.url}: expected ${expected}, got ${content.length} bytes of ${blob}`);
}
