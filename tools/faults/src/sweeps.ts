import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CampaignOptions } from "./campaign-options.ts";
import { draw } from "./draw.ts";
import { end, kill, orphans, start, type Started } from "./processes.ts";
import { type Outcome, record } from "./record.ts";
import { lastLines } from "./run.ts";
import { differences, type Snapshot } from "./snapshot.ts";
import { GRID, stages, type Stage, SWEEP } from "./stages.ts";
import { leftBy, type Undisturbed, undisturbed } from "./undisturbed.ts";
import { source, workplace, type Workplace } from "./workplace.ts";

export interface SweepsOptions extends CampaignOptions {
  /** Of each kind. */
  readonly trials: number;
}

interface Bench {
  readonly place: Workplace;
  readonly sweep: Stage;
  readonly expected: Undisturbed;
  /** From 0 to 1, for the trial at hand. */
  readonly drawn: (what: string) => number;
}

const kinds: Readonly<Record<string, (bench: Bench) => Promise<Omit<Outcome, "trial" | "faults">>>> = {
  two,
  same,
  changed,
  killed,
  edited,
};

/**
 * Sweeps that are not alone in their workspace: two names at once; one name twice; one name with other points; the first of two
 * killed; one whose code is edited while it runs. Each ends with the files of an undisturbed one, and nothing is kept under a hash of other code.
 */
export async function sweepsCampaign({ out, seed, trials, only, log }: SweepsOptions): Promise<Outcome[]> {
  const place = await workplace(out);
  const { done, add } = record(join(out, `sweeps-${seed}.jsonl`));
  const sweep = (await stages(place, ["sweep"])).find(({ name }) => name === "sweep")!;
  const names = Object.keys(kinds).filter((name) => only?.includes(name) ?? true);
  const outcomes: Outcome[] = [];
  for (let n = 0; n < trials; n++) {
    for (const name of names) {
      const trial = `${name} ${n}`;
      const known = done.get(trial);
      let outcome = known;
      if (outcome === undefined) {
        restoreCode(place);
        const expected = await undisturbed(place, sweep, out, log);
        sweep.reset();
        const drawn = (what: string) => draw(seed, trial, what);
        outcome = { trial, faults: 1, ...(await kinds[name]!({ place, sweep, expected, drawn })) };
        restoreCode(place);
        add(outcome);
      }
      outcomes.push(outcome);
      log(`${trial}: ${outcome.note}${outcome.problems.map((text) => `\n  ! ${text}`).join("")}`);
    }
  }
  return outcomes;
}

const begin = ({ root, main }: Workplace, line: readonly string[]): Started => start([main, ...line], { cwd: root });

async function ending(what: string, started: Started): Promise<{ stderr: string; problems: string[] }> {
  const { code, stderr } = await started.ended;
  const left = (await orphans(started)).map((name) => `${what} has ended, and still runs: ${name}`);
  end(started);
  return { stderr, problems: code === 0 ? left : [...left, `${what} ends with ${code}: ${lastLines(stderr)}`] };
}

/** The same points under another name. */
async function two(bench: Bench) {
  const { got, problems, note } = await beside(bench, named(bench.sweep.line, "other"));
  const expected = partOf(bench.expected.files, SWEEP);
  const asFirst = Object.fromEntries(
    Object.entries(partOf(got, "other")).map(([name, digest]) => [name.replace("/other/", `/${SWEEP}/`), digest]),
  );
  problems.push(...differences(expected, partOf(got, SWEEP)));
  problems.push(...differences(expected, asFirst).map((text) => `of the second, ${text}`));
  return { problems, note: `other ${note}` };
}

/** The same sweep once more. */
async function same(bench: Bench) {
  const { got, problems, note } = await beside(bench, bench.sweep.line);
  problems.push(...differences(bench.expected.files, got));
  return { problems, note: `${SWEEP} again ${note}` };
}

const OTHER_GRID = "prune_block_size=8,4";

/** The same name with another of its two points, so that its file is another; soon, before Nx has read that. */
async function changed(bench: Bench) {
  const line = bench.sweep.line.map((word) => (word === GRID ? OTHER_GRID : word));
  const { got, problems, note } = await beside(bench, line, 0.1);
  const expected = partOf(bench.expected.files, SWEEP);
  const points = partOf(got, SWEEP);
  const ofFirst = Object.entries(points).filter(([name]) => expected[name] !== undefined);
  problems.push(...differences(expected, Object.fromEntries(ofFirst)));
  const added = Object.keys(points).filter((name) => name.endsWith("=4/summary.json"));
  if (added.length !== 1) problems.push(`expected the second's own point, got ${added.length}`);
  return { problems, note: `${SWEEP} with ${OTHER_GRID} ${note}` };
}

/** What the sweep, and another that begins while it runs, leave. */
async function beside({ place, sweep, expected, drawn }: Bench, line: readonly string[], share = 0.5) {
  const after = drawn("moment") * share * expected.seconds;
  const first = begin(place, sweep.line);
  await sleep(1000 * after);
  const second = begin(place, line);
  const ended = [await ending("the first", first), await ending("the second", second)];
  const problems = ended.flatMap((one) => one.problems);
  if (!ended.some(({ stderr }) => /waiting until sweep/.test(stderr))) problems.push("neither waited for the other");
  return { got: leftBy(place, sweep), problems, note: `${after.toFixed(1)} s after ${SWEEP}` };
}

/** One that waits goes on where the one before it was killed. */
async function killed({ place, sweep, expected, drawn }: Bench) {
  const [began, after] = [drawn("begin"), drawn("moment")].map((share) => share * 0.5 * expected.seconds);
  const first = begin(place, sweep.line);
  await sleep(1000 * began!);
  const second = begin(place, sweep.line);
  await sleep(1000 * after!);
  const victims = first.family();
  victims.forEach(kill);
  const { problems } = await ending("the second", second);
  problems.push(...(await orphans(first)).map((name) => `outlives the sweep that was killed: ${name}`));
  problems.push(...differences(expected.files, leftBy(place, sweep)));
  return { problems, note: `the first killed ${(began! + after!).toFixed(1)} s after it began` };
}

/** What training and fine-tuning run, and an edit that changes their results. */
const CODE = "packages/training/src/schedule.ts";
const edit = (text: string): string =>
  text.replace("return Math.max(0, (totalSteps", "return 0.5 * Math.max(0, (totalSteps");

const restoreCode = ({ root }: Workplace): void => cpSync(join(source, CODE), join(root, CODE));

async function edited({ place, sweep, expected, drawn }: Bench) {
  const path = join(place.root, CODE);
  const [before, edited] = [readFileSync(path, "utf8"), edit(readFileSync(path, "utf8"))];
  if (before === edited) throw new Error(`${CODE}: expected a line to edit, found none`);
  const after = drawn("moment") * expected.seconds;
  const first = begin(place, sweep.line);
  await sleep(1000 * after);
  writeFileSync(path, edited);
  const { code, stderr } = await first.ended;
  await orphans(first);
  const problems: string[] = [];
  const told = /expected the code that the sweep started with, got another/.test(stderr);
  if (code !== 0 && !told) problems.push(`edited, it ends with ${code} and does not say why: ${lastLines(stderr)}`);
  if (/^\s+at /m.test(stderr)) problems.push(`a stack trace: ${lastLines(stderr)}`);
  const second = await ending("the sweep with the edited code", begin(place, sweep.line));
  problems.push(...second.problems);
  const trained = (files: Snapshot) => Object.entries(files).filter(([name]) => name.endsWith("scores.safetensors"));
  const own = leftBy(place, sweep);
  for (const [name, digest] of trained(partOf(expected.files, SWEEP)))
    if (own[name] === digest) problems.push(`with the edited code, ${name} is what the code before it makes`);
  writeFileSync(path, before);
  const third = await ending("the sweep with the code as it was", begin(place, sweep.line));
  problems.push(...third.problems, ...differences(partOf(expected.files, SWEEP), partOf(leftBy(place, sweep), SWEEP)));
  return {
    problems,
    note: `edited after ${after.toFixed(1)} s: ${code === 0 ? "ended well" : told ? "told" : "failed"}`,
  };
}

const named = (line: readonly string[], name: string): string[] =>
  line.map((word) => (word === `name=${SWEEP}` ? `name=${name}` : word));

/** What points have left: not the notes of which task it was, which name its code, nor what training goes on from. */
const partOf = (files: Snapshot, name: string): Snapshot =>
  Object.fromEntries(
    Object.entries(files).filter(
      ([path]) => path.startsWith(`runs/${name}/`) && !/task\.json$|\/checkpoints\/|\.part$/.test(path),
    ),
  );
