import { closeSync, globSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether a task's outputs lie in the workspace as the cache has them: the same files, with the same bytes, and none besides.
 *
 * @param outputs paths or patterns, relative to both folders
 */
export function outputsInPlace(workspace: string, cached: string, outputs: readonly string[]): boolean {
  const [there, kept] = [workspace, cached].map((folder) => filesOf(folder, outputs));
  return (
    kept!.length > 0 &&
    kept!.length === there!.length &&
    kept!.every((file, number) => file === there![number] && sameBytes(join(workspace, file), join(cached, file)))
  );
}

function filesOf(folder: string, outputs: readonly string[]): string[] {
  const below = (path: string): string[] =>
    statSync(join(folder, path), { throwIfNoEntry: false })?.isDirectory()
      ? readdirSync(join(folder, path)).flatMap((name) => below(join(path, name)))
      : [path];
  return [...new Set(outputs.flatMap((output) => globSync(output, { cwd: folder }).flatMap(below)))].toSorted();
}

const CHUNK = 1 << 20;

function sameBytes(first: string, second: string): boolean {
  const files: number[] = [];
  try {
    if (statSync(first).size !== statSync(second).size) return false;
    for (const path of [first, second]) files.push(openSync(path, "r"));
    const chunks = files.map(() => Buffer.alloc(CHUNK)) as [Buffer, Buffer];
    for (;;) {
      const [a, b] = files.map((file, number) => readSync(file, chunks[number]!, 0, CHUNK, null)) as [number, number];
      if (a !== b || chunks[0].compare(chunks[1], 0, b, 0, a) !== 0) return false;
      if (a === 0) return true;
    }
  } catch {
    return false; // gone in the meantime
  } finally {
    for (const file of files) closeSync(file);
  }
}
