import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { CampaignOptions } from "./campaign-options.ts";
import { draw } from "./draw.ts";
import { bytesIn } from "./folders.ts";
import { mayMount, resize, unmountAll, withReadOnly, withTmpfs } from "./mounts.ts";
import { end, orphans, start } from "./processes.ts";
import { type Outcome, record } from "./record.ts";
import { lastLines } from "./run.ts";
import { differences } from "./snapshot.ts";
import { type Stage, stages } from "./stages.ts";
import { leftBy, type Undisturbed, undisturbed } from "./undisturbed.ts";
import { unfinished } from "./unfinished.ts";
import { workplace, type Workplace } from "./workplace.ts";

export interface DiskOptions extends CampaignOptions {
  /** How often the disk of each command is full, each time at another place. */
  readonly trials: number;
}

/** A command and what is done to the folders that it writes to. */
interface Trial {
  readonly name: string;
  readonly stage: Stage;
  readonly kind: "full" | "read-only";
  /** The folder, below the workspace. */
  readonly folder: string;
  /** What an undisturbed run left there is there at the start. */
  readonly warm: boolean;
}

/** What commands keep for the next one, and no result depends on. */
const CACHE = "runs/data";
const NX_CACHE = ".nx/cache";

/**
 * The disk full at a random place, and caches that are read-only. A command ends in one line and with an exit code, or goes on
 * where only a cache cannot be written; nothing half stands under a whole one's name; after there is room, it ends with the files
 * of an undisturbed run.
 */
export async function diskCampaign({ out, seed, trials, only, log }: DiskOptions): Promise<Outcome[]> {
  const place = await workplace(out);
  for (const folder of ["runs", CACHE, NX_CACHE]) unmountAll(join(place.root, folder));
  const all = (await stages(place, only)).filter(({ name }) => only === undefined || only.includes(name));
  const { done, add } = record(join(out, `disk-${seed}.jsonl`));
  const outcomes: Outcome[] = [];
  for (const trial of all.flatMap((stage) => trialsOf(stage, trials))) {
    const before = done.get(trial.name);
    const outcome = before ?? (await attempt(place, trial, { out, seed, log }));
    if (before === undefined) add(outcome);
    outcomes.push(outcome);
    log(`${trial.name}: ${outcome.note}${outcome.problems.map((text) => `\n  ! ${text}`).join("")}`);
  }
  return outcomes;
}

function trialsOf(stage: Stage, count: number): Trial[] {
  const { name } = stage;
  const full = (folder: string) =>
    Array.from({ length: count }, (_, n): Trial => ({
      ...{ name: `${name}, ${folder} full ${n}`, stage, kind: "full", folder, warm: false },
    }));
  const locked = (folder: string) =>
    [false, true].map((warm): Trial => ({
      ...{ name: `${name}, ${folder} read-only ${warm ? "warm" : "cold"}`, stage, kind: "read-only", folder, warm },
    }));
  const caches = { data: [CACHE], train: [CACHE], glue: [CACHE], sweep: [CACHE, NX_CACHE] }[name] ?? [];
  return [...full("runs"), ...(name === "sweep" ? full(NX_CACHE) : []), ...caches.flatMap(locked)];
}

async function attempt(
  place: Workplace,
  trial: Trial,
  { out, seed, log }: { out: string; seed: number; log: (line: string) => void },
): Promise<Outcome> {
  const { stage, folder, kind } = trial;
  const expected = await undisturbed(place, stage, out, log);
  const { root } = place;
  const path = join(root, folder);
  stage.reset();
  if (trial.warm) await warmUp(place, trial);
  mkdirSync(path, { recursive: true });
  const outcome = (problems: string[], note: string): Outcome => ({ trial: trial.name, faults: 1, problems, note });
  const mounts = mayMount(join(root, "given/mount"));
  if (kind === "full") {
    const share = draw(seed, trial.name, "room");
    if (!mounts) {
      const blocks = Math.max(1, Math.floor((share * expected.largest) / 512));
      const first = await disturbed(place, trial, expected, `ulimit -f ${blocks}`);
      return outcome(
        [...first.problems, ...(await again(place, stage, expected, first.skipped))],
        `files of at most ${blocks} blocks: ${first.note}`,
      );
    }
    const there = bytesIn(path);
    const room = Math.max(4096, Math.floor(there + share * (expected.bytes[folder] ?? 0)));
    const aside = join(root, "given/aside");
    rmSync(aside, { recursive: true, force: true });
    renameSync(path, aside);
    return withTmpfs(path, String(room), async () => {
      for (const name of readdirSync(aside)) cpSync(join(aside, name), join(path, name), { recursive: true });
      const first = await disturbed(place, trial, expected);
      resize(path, "2g");
      const problems = [...first.problems, ...(await again(place, stage, expected, first.skipped))];
      return outcome(problems, `${room} bytes: ${first.note}`);
    });
  }
  if (!mounts && process.getuid?.() === 0) return outcome([], "not tried: root may write anywhere, and not mount");
  const locked = mounts ? withReadOnly : withoutLeave;
  const first = await locked(path, () => disturbed(place, trial, expected));
  return outcome([...first.problems, ...(await again(place, stage, expected, first.skipped))], first.note);
}

/** What an undisturbed run leaves in the folder, and nothing else. */
async function warmUp({ root, main }: Workplace, { stage, folder }: Trial): Promise<void> {
  const { code, stderr } = await start([main, ...stage.line], { cwd: root }).ended;
  if (code !== 0) throw new Error(`${stage.name}: expected exit code 0, got ${code}: ${lastLines(stderr)}`);
  const aside = join(root, "given/warm");
  rmSync(aside, { recursive: true, force: true });
  renameSync(join(root, folder), aside);
  // Nx knows from a file of its own what its cache has.
  const known = join(root, ".nx/workspace-data");
  const kept = join(root, "given/workspace-data");
  rmSync(kept, { recursive: true, force: true });
  if (folder === NX_CACHE) renameSync(known, kept);
  stage.reset();
  if (folder === NX_CACHE) renameSync(kept, known);
  const path = join(root, folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(join(path, ".."), { recursive: true });
  renameSync(aside, path);
}

/** For whoever is not root. */
async function withoutLeave<T>(dir: string, work: () => Promise<T>): Promise<T> {
  chmodSync(dir, 0o555);
  try {
    return await work();
  } finally {
    chmodSync(dir, 0o755);
  }
}

interface Disturbed {
  readonly problems: string[];
  readonly note: string;
  /** Files that it went on without: what is kept for the next run. */
  readonly skipped: RegExp | undefined;
}

/** Runs the command where it cannot write all that it wants to. */
async function disturbed(
  place: Workplace,
  { stage, folder, warm }: Trial,
  expected: Undisturbed,
  limits = "",
): Promise<Disturbed> {
  const started = start([place.main, ...stage.line], { cwd: place.root, limits });
  const { code, stderr } = await started.ended;
  const problems = (await orphans(started)).map((name) => `still runs at the end: ${name}`);
  end(started);
  // Whole, and says which runs failed.
  const told = /runs\/glue\/summary\.json differs$/;
  problems.push(...(await unfinished(place.root, expected.files)).filter((text) => code === 0 || !told.test(text)));
  const lines = stripVTControlCharacters(stderr).trim().split("\n");
  if (code === 0) {
    const withoutOriginals = /the next run computes them again/.test(stderr) ? originals : undefined;
    const skipped = folder !== NX_CACHE ? withoutOriginals : warm ? notKept : /^\.nx\//;
    problems.push(...without(skipped, differences(expected.files, leftBy(place, stage))));
    return { problems, skipped, note: skipped === undefined || warm ? "it was enough" : "went on without the cache" };
  }
  const errors = lines.filter((line) => line.startsWith("error: "));
  if (warm) problems.push(`nothing was to be written, and it ended with ${code}: ${lastLines(stderr)}`);
  if (errors.length !== 1 || errors[0] !== lines.at(-1))
    problems.push(`expected one line of error at the end, got ${errors.length}: ${lastLines(stderr)}`);
  if (!cause.test(stderr)) problems.push(`nothing says why: ${lastLines(stderr)}`);
  if (/^\s+at /m.test(stderr)) problems.push(`a stack trace: ${lastLines(stderr)}`);
  return { problems, skipped: undefined, note: `ended with ${code}: ${errors[0] ?? lastLines(stderr)}` };
}

const cause = /ENOSPC|EROFS|EFBIG|EACCES|no space|read-only|too large/i;
/** What tasks write besides the outputs that Nx keeps of them. */
const notKept = /^\.nx\/|^runs\/data\/|\/checkpoints\/|\/task\.json /;
const originals = /^runs\/data\/originals\//;

/** Runs it once more where nothing is in its way. */
async function again(
  place: Workplace,
  stage: Stage,
  expected: Undisturbed,
  skipped: RegExp | undefined,
): Promise<string[]> {
  const started = start([place.main, ...stage.line], { cwd: place.root });
  const { code, stderr } = await started.ended;
  if (code !== 0) return [`with room again, it ends with ${code}: ${lastLines(stderr)}`];
  return without(skipped, differences(expected.files, leftBy(place, stage))).map((text) => `with room again, ${text}`);
}

const without = (skipped: RegExp | undefined, problems: string[]): string[] =>
  skipped === undefined ? problems : problems.filter((text) => !skipped.test(text));
