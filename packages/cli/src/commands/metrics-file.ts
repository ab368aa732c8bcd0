import { existsSync } from "node:fs";
import { type FileHandle, open, rename, truncate } from "node:fs/promises";
import { jsonLine } from "./files.ts";

/** A file of rows, each a line of JSON. */
export interface MetricsFile {
  append(row: object): Promise<void>;
  /** Bytes so far, for a checkpoint. */
  length(): number;
  /** Brings to the disk what was appended. */
  flush(): Promise<void>;
  /** Gives it its name: until then it has another, so that the metrics of a run that was cut off do not look whole. */
  finish(): Promise<void>;
}

/** Opens the metrics of a run: empty, or cut to `length` where a run goes on from a checkpoint. */
export async function metricsFile(path: string, length = 0): Promise<MetricsFile> {
  const part = `${path}.part`;
  if (length > 0 && !existsSync(part) && existsSync(path)) await rename(path, part);
  const file: FileHandle = await open(part, "a");
  const { size } = await file.stat();
  if (size < length) throw new Error(`${part}: expected at least ${length} bytes, got ${size}: the file is cut short`);
  await truncate(part, length);
  let bytes = length;
  return {
    async append(row) {
      const line = Buffer.from(`${jsonLine(row)}\n`);
      await file.appendFile(line).catch((error: Error) => {
        throw new Error(`${part}: cannot be written: ${error.message}`, { cause: error });
      });
      bytes += line.length;
    },
    length: () => bytes,
    flush: () => file.datasync(),
    async finish() {
      await file.sync();
      await file.close();
      await rename(part, path);
    },
  };
}
