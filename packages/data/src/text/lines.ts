import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { reason } from "@pruning-bias/files";

export interface ReadLinesOptions {
  /** Told the bytes taken from the file so far (compressed ones, where it is a gzip). */
  readonly onRead?: (bytes: number) => void;
}

/**
 * Streams the lines of a UTF-8 text file, plain or gzip (by its first bytes), a chunk at a time.
 *
 * Lines end as in Python's text mode: `\n`, `\r\n` or `\r`. Throws one line that names the file where it is missing,
 * is no UTF-8, is a gzip that is damaged, cut short or made to fill a memory, or has a line that is no sentence's.
 */
export async function* readLines(path: string, { onRead }: ReadLinesOptions = {}): AsyncGenerator<string[]> {
  const gzip = await isGzip(path);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  let [packed, unpacked] = [0, 0];
  const counted = (bytes: number) => {
    packed = bytes;
    onRead?.(bytes);
  };
  try {
    for await (const chunk of bytes(path, gzip, counted) as AsyncIterable<Uint8Array>) {
      unpacked += chunk.length;
      if (unpacked > UNPACKED_FREELY && unpacked > MOST_UNPACKED * packed) {
        throw new Unfit(`expected a text, got one that unpacks to more than ${MOST_UNPACKED} times its size`);
      }
      const lines = split(rest + decoder.decode(chunk, { stream: true }));
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) {
        throw new Unfit(
          `expected lines of at most ${LONGEST_LINE.toLocaleString("en-US")} characters, got a longer one`,
        );
      }
      yield lines;
    }
    rest += decoder.decode();
  } catch (error) {
    throw new Error(`${path}: ${complaint(error, gzip)}`, { cause: error });
  }
  const lines = rest.split(lineEnd);
  if (lines.at(-1) === "") lines.pop();
  yield lines;
}

/** Bytes that a gzip may unpack to, and beyond them how many for each of its own: text shrinks to a third or a tenth. */
const UNPACKED_FREELY = 2 ** 26;
const MOST_UNPACKED = 100;
/** What is not split into lines is held in memory, and searched again with every chunk. */
const LONGEST_LINE = 2 ** 22;

class Unfit extends Error {}

const lineEnd = /\r\n|\r|\n/;

/** The lines of a chunk; the last is unfinished. A `\r` at the very end stays with it, for a `\n` may follow. */
function split(text: string): string[] {
  if (!text.includes("\r")) return text.split("\n");
  const held = text.endsWith("\r") ? 1 : 0;
  const lines = text.slice(0, text.length - held).split(lineEnd);
  if (held === 1) lines.push(`${lines.pop() ?? ""}\r`);
  return lines;
}

function bytes(path: string, gzip: boolean, onRead: (bytes: number) => void): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  let read = 0;
  file.on("data", (chunk) => onRead((read += chunk.length)));
  if (!gzip) return file;
  const text = createGunzip({ chunkSize: 1 << 18 });
  file.on("error", (error) => text.destroy(error));
  text.on("close", () => file.destroy());
  return file.pipe(text);
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path).catch((error: unknown) => {
    throw new Error(`${path}: expected a text or gzip file, ${reason(error)}`, { cause: error });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    // One or no byte is all that is left of a gzip cut at its very start.
    return (bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b) || (bytesRead < 2 && path.endsWith(".gz"));
  } catch (error) {
    throw new Error(`${path}: expected a text or gzip file, ${reason(error)}`, { cause: error });
  } finally {
    await file.close();
  }
}

function complaint(error: unknown, gzip: boolean): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof Unfit) return message;
  if (code === "Z_BUF_ERROR") return "expected a whole gzip file, got one cut short (unexpected end of file)";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "expected UTF-8 text, got other bytes";
  return gzip ? `expected a gzip file, got a damaged one (${message})` : `expected a text file, ${reason(error)}`;
}
