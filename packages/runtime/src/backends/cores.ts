import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

/**
 * Cores that this process may compute on: hyperthreads of a core count once, and affinity and a container's quota limit
 * them. Where the system does not tell its cores (all but Linux), hyperthreads count as cores.
 */
export function physicalCores(system = "/sys/devices/system/cpu", self = "/proc/self/status"): number {
  const processors = availableParallelism();
  const siblings = coreOfEachProcessor(system, allowed(self));
  return siblings.length === 0 ? processors : Math.min(processors, new Set(siblings).size);
}

/** `AMD EPYC, 2 threads`. */
export const processorName = (threads: number): string =>
  `${
    cpus()[0]
      ?.model.replaceAll(/\(R\)|\(TM\)|\s+(?=\s)/g, "")
      .trim() ?? process.arch
  }, ${threads} ${threads === 1 ? "thread" : "threads"}`;

function coreOfEachProcessor(system: string, mayUse: (processor: number) => boolean): string[] {
  try {
    return readdirSync(system)
      .filter((name) => /^cpu\d+$/.test(name) && mayUse(Number(name.slice(3))))
      .map((name) => readFileSync(`${system}/${name}/topology/thread_siblings_list`, "utf8").trim());
  } catch {
    return [];
  }
}

// Cpus_allowed_list: 0-3,8
function allowed(self: string): (processor: number) => boolean {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(self, "utf8"))![1]!;
    const ranges = list.split(",").map((range) => range.split("-").map(Number));
    return (processor) => ranges.some(([first, last = first]) => processor >= first! && processor <= last!);
  } catch {
    return () => true;
  }
}
