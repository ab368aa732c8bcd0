import { readFileSync } from "node:fs";

/** The environment variable that names the process for which another was started. */
export const PARENT = "PRUNING_BIAS_PARENT";

/**
 * Ends this process once the one that it was started for is gone: whoever is killed by `kill -9` has no time to stop its
 * children, and they would compute on for nobody.
 *
 * @param environment takes the number from its `PRUNING_BIAS_PARENT`, and the variable out, for what this process starts has
 *   another parent
 */
export function endWithParent(environment: NodeJS.ProcessEnv): void {
  const parent = Number(environment[PARENT]);
  delete environment[PARENT];
  if (!Number.isInteger(parent) || parent <= 0) return;
  const look = () => {
    if (!isRunning(parent)) process.kill(process.pid, "SIGKILL");
  };
  setInterval(look, 500).unref();
}

/** Whether a process computes still. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !isZombie(pid);
}

/** Whether a process has ended and nobody has asked how yet: in containers that may take forever. */
function isZombie(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false; // systems without /proc
  }
}
