import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

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
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir], { stdio: "ignore" });
  let later = false;
  const end = () => execFileSync("umount", ["-l", dir], { stdio: "ignore" });
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

/** Makes what is mounted at `dir` read-only. */
export const readOnly = (dir: string): void => {
  execFileSync("mount", ["-o", "remount,ro", dir], { stdio: "ignore" });
};
