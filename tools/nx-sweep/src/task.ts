import { isAbsolute, relative, resolve } from "node:path";
import type { ProjectConfiguration, TargetConfiguration } from "@nx/devkit";
import { codeReader, type Config, UsageError } from "@pruning-bias/cli/sweep";
import { fingerprints, type Reads } from "./fingerprints.ts";

export type Project = ProjectConfiguration & { name: string };

export interface Task {
  readonly root: string;
  readonly name: string;
  /** The sweep that it belongs to alone. */
  readonly sweep?: string;
  readonly target: string;
  /** The words of the command, the first one its name. */
  readonly line: string;
  /** The folder of its results; outputs are relative to it. */
  readonly out?: string;
  /** Resolved settings: all that the task reads of them, and nothing else. */
  readonly settings: object | undefined;
  /** Digests of local files that it reads. */
  readonly files?: Readonly<Record<string, string>>;
  /** The file with digests of its data, by which a run that was stopped knows whether it may go on. */
  readonly data?: string;
  readonly dependsOn?: NonNullable<TargetConfiguration["dependsOn"]>;
  /** Files of the tasks before it that it reads. */
  readonly reads?: readonly string[];
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
}

export interface TaskMaker {
  (task: Task): Project;
  readonly files: (config: Config, reads: Reads) => Record<string, string>;
}

/**
 * Makes a task a project with one target. What Nx hashes of it: settings, a digest of the code that its command runs and of
 * the files that it reads (they travel in the environment), the packages that this code imports, Node's version, and what
 * the tasks before it made.
 */
export function tasks(workspaceRoot: string): TaskMaker {
  const codeOf = codeReader(workspaceRoot);
  const make = (task: Task): Project => {
    const { root, name, sweep, target, line, out, settings, files, data } = task;
    // A shell reads the line, and results lie where the settings say: neither may be more than a name.
    checkWord(line, "a setting");
    for (const folder of [root, ...(out === undefined ? [] : [out])]) checkFolder(workspaceRoot, folder);
    const { dependsOn = [], reads = ["**/*"], inputs = [] } = task;
    const { digest, packages } = codeOf(line.split(" ", 1)[0]!);
    const configuration: TargetConfiguration = {
      ...command(out === undefined ? line : `${line} --out "${out}"`, {
        RUN_CODE: digest,
        ...(settings && { RUN_CONFIG: JSON.stringify(settings) }),
        ...(data && { RUN_DATA: data }),
        ...(files && { RUN_INPUTS: JSON.stringify(files) }),
      }),
      dependsOn,
      inputs: [
        { externalDependencies: [...packages] },
        { runtime: "node --version" },
        ...reads.map((files) => ({ dependentTasksOutputFiles: files, transitive: false })),
        ...inputs,
      ],
      outputs: task.outputs.map((output) => (output.startsWith("{") ? output : `{workspaceRoot}/${out}/${output}`)),
    };
    return { root, name, ...(sweep && { tags: [`sweep:${sweep}`] }), targets: { [target]: configuration } };
  };
  return Object.assign(make, { files: (config: Config, reads: Reads) => fingerprints(workspaceRoot, config, reads) });
}

function checkWord(text: string, what: string): void {
  if (/^[\p{L}\p{N}_@+=:,./ -]*$/u.test(text)) return;
  throw new UsageError(`${JSON.stringify(text)}: expected ${what} of letters, digits and _ @ + = : , . / -`);
}

function checkFolder(workspaceRoot: string, folder: string): void {
  checkWord(folder, "a folder");
  const inside = relative(workspaceRoot, resolve(workspaceRoot, folder));
  if (inside !== "" && !isAbsolute(inside) && inside.split(/[/\\]/)[0] !== "..") return;
  throw new UsageError(`${folder}: expected a folder inside the workspace, got one outside`);
}

/** A cached command of the command line. */
export const command = (line: string, env: Record<string, string> = {}): TargetConfiguration => ({
  executor: "nx:run-commands",
  cache: true,
  options: { command: `node packages/cli/src/main.ts ${line}`, env },
});
