import { download, type Fetch, isUrl } from "../files/download.ts";
import { readLines } from "../text/lines.ts";

/** Which lines of a corpus are read again. */
export interface CorpusTextsOptions {
  /** One sentence a line, gzip or plain: a path or a URL. */
  readonly corpus: string;
  /** Where what a URL names is kept. */
  readonly cacheDir: string;
  /** What fetches URLs; the global one by default. */
  readonly fetch?: Fetch | undefined;
  /** Told in one line of a copy that has changed since it came, before it is fetched again; nobody by default. */
  readonly onDamaged?: ((problem: string) => void) | undefined;
}

/**
 * The texts of sentences by their lines in the corpus, from 0, in the order of `lines`.
 *
 * @throws Error where it has no such line; RangeError for a line that is no whole number
 */
export async function corpusTexts(
  { corpus, ...options }: CorpusTextsOptions,
  lines: ArrayLike<number>,
): Promise<string[]> {
  const path = isUrl(corpus) ? await download({ url: corpus, ...options }) : corpus;
  const wrong = Array.from(lines).find((wantedLine) => !(Number.isInteger(wantedLine) && wantedLine >= 0));
  if (wrong !== undefined) throw new RangeError(`${corpus}: expected lines from 0, got ${wrong}`);
  const wanted = new Map<number, string>(Array.from(lines, (line) => [line, ""]));
  let line = 0;
  for await (const chunk of readLines(path)) {
    for (const text of chunk) {
      if (wanted.has(line)) wanted.set(line, text);
      line++;
    }
  }
  return Array.from(lines, (wantedLine) => {
    if (wantedLine >= line) throw new Error(`${corpus}: expected more than ${wantedLine} lines, got ${line}`);
    return wanted.get(wantedLine)!;
  });
}
