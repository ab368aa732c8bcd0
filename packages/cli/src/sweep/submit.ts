import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeWhole } from "@pruning-bias/files";
import { dependency, type Script } from "./slurm.ts";

/** A job that waits or runs. */
export interface Job {
  readonly name: string;
  readonly id: string;
  readonly tasks: number;
}

/**
 * Writes the scripts to `FOLDER/NAME.sh` and hands them to `sbatch`, each with what it waits for.
 *
 * @throws Error in one line where Slurm is not there or refuses one; jobs before it stay, and wait for nothing more
 */
export async function submit(
  scripts: readonly Script[],
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<Job[]> {
  await mkdir(folder, { recursive: true });
  const jobs = new Map<string, string>();
  for (const script of scripts) {
    const file = join(folder, `${script.name}.sh`);
    await writeWhole(file, script.text);
    const waits = dependency(script, jobs);
    const needed = script.needs === undefined ? [] : [jobs.get(script.needs)!];
    const words = ["--parsable", ...(waits === undefined ? [] : [`--dependency=${waits}`]), file, ...needed];
    jobs.set(script.name, await sbatch(words, environment));
  }
  return scripts.map(({ name, tasks }) => ({ name, id: jobs.get(name)!, tasks: tasks.length }));
}

async function sbatch(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  // A job of Slurm that submits jobs: they must not inherit what the outer one was given.
  const env = Object.fromEntries(
    Object.entries(environment).filter(([key]) => !/^(SLURM_(?!CONF)|SBATCH_|NX_)/.test(key)),
  );
  try {
    const { stdout } = await promisify(execFile)("sbatch", words, { env });
    return stdout.trim().split(";")[0]!;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT")
      throw new Error("--launcher slurm: expected sbatch on the PATH, found none", { cause: error });
    throw new Error(`sbatch: ${stderr?.trim().split("\n").at(-1) ?? String(error)}`, { cause: error });
  }
}
