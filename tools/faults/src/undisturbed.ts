import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesIn, sizesIn } from "./folders.ts";
import { start } from "./processes.ts";
import { lastLines } from "./run.ts";
import { differences, type Snapshot, snapshot } from "./snapshot.ts";
import { results, type Stage } from "./stages.ts";
import type { Workplace } from "./workplace.ts";

/** What an undisturbed run of a stage leaves, and what it takes. */
export interface Undisturbed {
  readonly seconds: number;
  readonly files: Snapshot;
  /** Bytes that it adds to each of the folders that it writes to. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Bytes of the largest file in them. */
  readonly largest: number;
}

/** What the stage leaves when nobody disturbs it, computed once in a campaign; twice, to see that it is always the same. */
export async function undisturbed(
  place: Workplace,
  stage: Stage,
  out: string,
  log: (line: string) => void,
): Promise<Undisturbed> {
  const path = join(out, "undisturbed", `${stage.name}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as Undisturbed;
  const sizes = () => results.map((folder) => [folder, bytesIn(join(place.root, folder))] as const);
  const once = async () => {
    stage.reset();
    const before = Object.fromEntries(sizes());
    const started = performance.now();
    const { code, stderr } = await start([place.main, ...stage.line], { cwd: place.root }).ended;
    if (code !== 0) throw new Error(`${stage.name}: expected exit code 0, got ${code}: ${lastLines(stderr)}`);
    const seconds = (performance.now() - started) / 1000;
    const bytes = Object.fromEntries(sizes().map(([folder, size]) => [folder, size - before[folder]!]));
    const largest = Math.max(0, ...results.flatMap((folder) => sizesIn(join(place.root, folder))));
    return { seconds, files: leftBy(place, stage), bytes, largest };
  };
  const [first, second] = [await once(), await once()];
  const unlike = differences(first.files, second.files);
  if (unlike.length > 0) throw new Error(`${stage.name}: two undisturbed runs differ: ${unlike.join(", ")}`);
  log(`${stage.name}: ${Object.keys(first.files).length} files, undisturbed ${second.seconds.toFixed(1)} s`);
  mkdirSync(join(out, "undisturbed"), { recursive: true });
  writeFileSync(path, JSON.stringify(second));
  return second;
}

/** A sweep's report holds how long its tasks took, and Nx keeps it under a hash of that: the stage `report` compares it. */
const reported = /report\.(html|sha256)$|results\.(csv|tex)$/;

/** Digests of what a stage has left, by path below the workspace. */
export const leftBy = ({ root }: Workplace, { name: stage }: Pick<Stage, "name">): Snapshot =>
  Object.fromEntries(
    results.flatMap((name) =>
      Object.entries(snapshot(join(root, name), stage === "sweep" ? reported : undefined)).map(([path, digest]) => [
        `${name}/${path}`,
        digest,
      ]),
    ),
  );
