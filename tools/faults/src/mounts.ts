import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const mount = (...words: readonly string[]): void => void execFileSync("mount", words, { stdio: "ignore" });

/** Whether this process may mount file systems: root outside of a container that forbids it. */
export function mayMount(dir: string): boolean {
  try {
    withTmpfs(dir, "64k", () => {});
    return true;
  } catch {
    return false;
  }
}

/** A file system of so many bytes at `dir` while `work` runs. */
export function withTmpfs<T>(dir: string, size: string, work: () => T): T {
  mkdirSync(dir, { recursive: true });
  mount("-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir);
  return until(work, () => execFileSync("umount", ["-l", dir], { stdio: "ignore" }));
}

/** Gives what is mounted at `dir` another size. */
export const resize = (dir: string, size: string): void => mount("-o", `remount,size=${size}`, dir);

/** Makes what is mounted at `dir` read-only. */
export const readOnly = (dir: string): void => mount("-o", "remount,ro", dir);

/** A folder that nobody may write to while `work` runs, root neither: for root, permissions are none. */
export function withReadOnly<T>(dir: string, work: () => T): T {
  mount("--bind", dir, dir);
  return until(
    () => {
      mount("-o", "remount,bind,ro", dir);
      return work();
    },
    () => execFileSync("umount", ["-l", dir], { stdio: "ignore" }),
  );
}

/** Takes away what a process that was killed has left mounted at `dir`. */
export function unmountAll(dir: string): void {
  for (;;) {
    try {
      execFileSync("umount", ["-l", dir], { stdio: "ignore" });
    } catch {
      return;
    }
  }
}

function until<T>(work: () => T, end: () => void): T {
  let later = false;
  try {
    const result = work();
    if (result instanceof Promise) {
      later = true;
      return result.finally(end) as T;
    }
    return result;
  } finally {
    if (!later) end();
  }
}
