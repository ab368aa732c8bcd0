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
const root = process.cwd();
const { NxCache } = createRequire(join(root, "package.json"))("nx/src/native") as { NxCache: { prototype: Cache } };
const { copyFilesFromCache } = NxCache.prototype;
/**
 * Without its daemon, Nx takes what a task made out of the cache also where it lies in place, and removes it first: another
 * Nx on the same workspace (an element of an array job of Slurm) would hash what is not there, or half of it.
 */
NxCache.prototype.copyFilesFromCache = function (hit, outputs) {
  return outputsInPlace(root, hit.outputsPath, outputs) ? null : copyFilesFromCache.call(this, hit, outputs);
};
