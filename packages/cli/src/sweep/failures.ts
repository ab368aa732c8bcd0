import { join } from "node:path";

/** A task of a sweep that failed. */
export interface Failure {
  /** `POINT:TARGET`. */
  readonly task: string;
  /** Its error, in one line. */
  readonly why: string;
  /** The file with all that it said. */
  readonly log: string;
}

/**
 * The tasks that failed, from what Nx and they said (`--outputStyle=stream`): Nx ends with a list of them, and each line of a
 * task starts with its project. Tasks that failed merely for want of another are left out.
 */
export function failuresIn(text: string, sweep: string, folder: string): (Failure & { lines: string[] })[] {
  const tasks = [...text.matchAll(/^\s*-\s+(?:nx run )?(\S+:[\w-]+)\s*$/gm)].map(([, task]) => task!);
  return causes([...new Set(tasks)]).map((task) => {
    const [project, target] = [task.slice(0, task.lastIndexOf(":")), task.slice(task.lastIndexOf(":") + 1)];
    const lines = text
      .split("\n")
      .filter((line) => line.startsWith(`${project}: `))
      .map((line) => line.slice(project.length + 2));
    const said = lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
    const point = pointOf(project, target, sweep);
    const log = join(folder, "logs", `${point.replaceAll("/", "_")}.${target}.log`);
    return { task: `${point}:${target}`, why: said ?? lines.at(-1) ?? "it said nothing", log, lines };
  });
}

/** A measurement's project is named by its target as well: `SWEEP/POINT/bias`. */
function pointOf(project: string, target: string, sweep: string): string {
  const name = project.startsWith(`${sweep}/`) ? project.slice(sweep.length + 1) : project;
  return name.endsWith(`/${target}`) ? name.slice(0, -target.length - 1) : name;
}

/** What all points wait for, the first thing first. */
const shared = ["pretrain", "data", "finetune"];

/** Of failed tasks those that did not fail merely for want of another. */
function causes(failed: readonly string[]): string[] {
  const of = (target: string) => failed.filter((task) => task.endsWith(`:${target}`));
  const made = shared.map(of).find((tasks) => tasks.length > 0);
  if (made !== undefined) return made;
  const rest = failed.filter((task) => !task.endsWith(":report"));
  if (rest.length === 0) return [...failed];
  const trained = of("train").map((task) => task.slice(0, -":train".length));
  return rest.filter((task) => task.endsWith(":train") || !trained.some((point) => task.startsWith(`${point}/`)));
}
