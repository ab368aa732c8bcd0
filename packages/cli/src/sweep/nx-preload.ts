import { createRequire } from "node:module";
import { join } from "node:path";
import { endWithParent, PARENT } from "../end-with-parent.ts";
import { outputsInPlace } from "./outputs-in-place.ts";

// What Node loads before Nx: it ends with the sweep, and its tasks with it.
endWithParent(process.env);
process.env[PARENT] = String(process.pid);

interface Cache {
  copyFilesFromCache(hit: { readonly outputsPath: string }, outputs: readonly string[]): unknown;
}
interface DbCache {
  put(task: { readonly id: string }, ...result: readonly unknown[]): Promise<unknown>;
}
const root = process.cwd();
// The workspace's own Nx, which a command line that is installed elsewhere lacks.
const nx = createRequire(join(root, "node_modules/nx/dist/bin/nx.js"));
const { NxCache } = nx("../src/native/index.js") as { NxCache: { prototype: Cache } };
const { copyFilesFromCache } = NxCache.prototype;
/**
 * Without its daemon, Nx takes what a task made out of the cache also where it lies in place, and removes it first: another
 * Nx on the same workspace (an element of an array job of Slurm) would hash what is not there, or half of it.
 */
NxCache.prototype.copyFilesFromCache = function (hit, outputs) {
  return outputsInPlace(root, hit.outputsPath, outputs) ? null : copyFilesFromCache.call(this, hit, outputs);
};

const { DbCache } = nx("../src/tasks-runner/cache.js") as { DbCache: { prototype: DbCache } };
const { put } = DbCache.prototype;
/** Where its cache is full or read-only, Nx would end with a stack trace in the middle of its tasks: they go on, and are not kept. */
DbCache.prototype.put = async function (task, ...result) {
  try {
    return await put.call(this, task, ...result);
  } catch (error) {
    const why = (error as Error).message.replaceAll(/\s*\n\s*/g, " ");
    process.stderr.write(`${task.id}: cannot be kept in Nx' cache, and runs again the next time: ${why}\n`);
    return undefined;
  }
};
