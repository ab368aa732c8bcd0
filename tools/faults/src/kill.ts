import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CampaignOptions } from "./campaign-options.ts";
import { draw, pick } from "./draw.ts";
import { end, kill, orphans, type Started, start } from "./processes.ts";
import { type Outcome, record } from "./record.ts";
import { lastLines } from "./run.ts";
import { differences } from "./snapshot.ts";
import { type Stage, stages } from "./stages.ts";
import { leftBy, undisturbed } from "./undisturbed.ts";
import { unfinished } from "./unfinished.ts";
import { workplace, type Workplace } from "./workplace.ts";

export interface KillOptions extends CampaignOptions {
  /** How many processes are killed in all. */
  readonly moments: number;
}

/** Kills in succession before a command is left to end. */
const MOST_KILLS = 3;

/**
 * `kill -9` at random moments: each trial kills a command up to three times, starts it again each time, and compares what it
 * leaves at its end with what an undisturbed run leaves.
 */
export async function killCampaign({ out, seed, moments, only, log }: KillOptions): Promise<Outcome[]> {
  const place = await workplace(out);
  const all = (await stages(place, only)).filter(({ name }) => only === undefined || only.includes(name));
  const { done, add } = record(join(out, `kill-${seed}.jsonl`));
  const outcomes: Outcome[] = [];
  let killed = 0;
  for (let n = 0; killed < moments; n++) {
    const stage = all[n % all.length]!;
    const trial = `${stage.name} ${n}`;
    const before = done.get(trial);
    const outcome = before ?? (await tryStage(place, stage, { out, seed, trial, log }));
    if (before === undefined) add(outcome);
    killed += outcome.faults;
    outcomes.push(outcome);
    log(`${killed}/${moments} ${trial}: ${outcome.note}${outcome.problems.map((text) => `\n  ! ${text}`).join("")}`);
  }
  return outcomes;
}

async function tryStage(
  place: Workplace,
  stage: Stage,
  { out, seed, trial, log }: { out: string; seed: number; trial: string; log: (line: string) => void },
): Promise<Outcome> {
  const expected = await undisturbed(place, stage, out, log);
  stage.reset();
  const problems: string[] = [];
  const notes: string[] = [];
  const wanted = 1 + Math.floor(draw(seed, trial, "kills") * MOST_KILLS);
  let faults = 0;
  for (let n = 0; n < wanted; n++) {
    const after = draw(seed, trial, n, "moment") * expected.seconds;
    const victim = pick(["first", "all", "any"] as const, seed, trial, n, "victim");
    const started = start([place.main, ...stage.line], { cwd: place.root });
    const hit = await killAt(started, after, victim, draw(seed, trial, n, "which"));
    if (hit === undefined) {
      notes.push(`ended before ${after.toFixed(1)} s`);
      await orphans(started);
      break;
    }
    faults++;
    notes.push(`killed ${victim} after ${after.toFixed(1)} s`);
    if (victim === "any") await Promise.race([started.ended, sleep(120_000)]);
    const left = await orphans(started);
    problems.push(...left.map((name) => `outlives what started it: ${name}`));
    end(started);
    problems.push(...(await unfinished(place.root, expected.files)));
  }
  const last = start([place.main, ...stage.line], { cwd: place.root });
  const { code, stderr } = await last.ended;
  problems.push(...(await orphans(last)).map((name) => `still runs at the end: ${name}`));
  if (code !== 0) problems.push(`started again, it ends with ${code}: ${lastLines(stderr)}`);
  else problems.push(...differences(expected.files, leftBy(place, stage)));
  return { trial, faults, problems, note: notes.join(", ") };
}

/** Kills after so many seconds; `undefined` where it ended before. */
async function killAt(
  { child, ended, family }: Started,
  seconds: number,
  victim: "first" | "all" | "any",
  which: number,
): Promise<number | undefined> {
  const over = await Promise.race([ended.then(() => true), sleep(1000 * seconds).then(() => false)]);
  if (over) return undefined;
  const pids = family();
  const chosen = victim === "all" ? pids : [victim === "first" ? child.pid! : pids[Math.floor(which * pids.length)]!];
  return chosen.filter(kill).length === 0 ? undefined : chosen.length;
}
