import { link, open, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder, shown, temporaryName } from "@pruning-bias/files";

/**
 * Whether rows under this header can be appended to a CSV file: it is not there yet, or starts with that header.
 *
 * @throws Error in one line that names the file, where it has another header
 */
export async function checkHeader(path: string, header: string): Promise<void> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    const bytes = Buffer.from(header);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes.length), 0, bytes.length, 0);
    if (bytesRead === bytes.length && buffer.equals(bytes)) return;
    const [first = ""] = buffer.toString("utf8", 0, bytesRead).split("\r\n");
    throw new Error(
      `${path}: expected the columns ${header.trimEnd().slice(0, 40)}…, got ${shown(first.slice(0, 40))}`,
    );
  } finally {
    await file.close();
  }
}

/**
 * Appends rows to a CSV file, which is made with its header where it is not there. Any number of processes may do so at once: the
 * file appears with its header whole, and all rows go to its end in one write.
 *
 * @throws what `checkHeader` throws
 */
export async function appendRows(path: string, header: string, rows: string): Promise<void> {
  await makeFolder(dirname(path));
  const own = temporaryName(path);
  try {
    await writeFile(own, header, { flush: true });
    // Unlike a rename, a link never takes the place of a file that another process has made meanwhile.
    await link(own, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(own, { force: true });
  }
  await checkHeader(path, header);
  const file = await open(path, "a+");
  try {
    // A row that somebody could not finish ends here.
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    const bytes = Buffer.from(buffer.toString() === "\n" ? rows : `\r\n${rows}`);
    const { bytesWritten } = await file.write(bytes);
    if (bytesWritten < bytes.length)
      throw new Error(`${path}: expected room for ${bytes.length} bytes, wrote ${bytesWritten}`);
    await file.sync();
  } finally {
    await file.close();
  }
}
