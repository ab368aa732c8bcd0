import { download, type Fetch, isUrl } from "../files/download.ts";
import { readLines } from "../text/lines.ts";

/** Which lines of a corpus are read again. */
export interface CorpusTextsOptions {
  /** One sentence a line, gzip or plain: a path or a URL. */
  readonly corpus: string;
  readonly cacheDir: string;
  readonly fetch?: Fetch | undefined;
}

/** The texts of sentences by their lines in the corpus, in the order of `lines`. @throws Error where it has no such line */
export async function corpusTexts(
  { corpus, cacheDir, fetch }: CorpusTextsOptions,
  lines: ArrayLike<number>,
): Promise<string[]> {
  const path = isUrl(corpus) ? await download({ url: corpus, cacheDir, fetch }) : corpus;
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
