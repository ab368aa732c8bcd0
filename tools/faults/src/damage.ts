import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CampaignOptions } from "./campaign-options.ts";
import { draw } from "./draw.ts";
import { type Outcome, record } from "./record.ts";
import { lastLines } from "./run.ts";
import { start } from "./processes.ts";
import { differences, type Snapshot, snapshot } from "./snapshot.ts";
import { workplace, type Workplace } from "./workplace.ts";
import { type Kind, kinds } from "./kinds.ts";

export interface DamageOptions extends CampaignOptions {
  /** Bits that are flipped in each kind of file. */
  readonly flips: number;
}

/**
 * One bit flipped, or the file removed, in each kind of file under the command that reads it. What may come of it: one line that
 * names the file and an exit code; the file made again, and results as ever; results as ever, where the bit means nothing.
 */
export async function damageCampaign({ out, seed, flips, only, log }: DamageOptions): Promise<Outcome[]> {
  const place = await workplace(out);
  const { done, add } = record(join(out, `damage-${seed}.jsonl`));
  const outcomes: Outcome[] = [];
  for (const kind of (await kinds(place)).filter(({ name }) => only === undefined || only.includes(name))) {
    let before: Left | undefined;
    for (let n = 0; n <= flips; n++) {
      const trial = `${kind.name} ${n === flips ? "removed" : n}`;
      const known = done.get(trial);
      before ??= known === undefined ? await undamaged(place, kind) : undefined;
      const outcome = known ?? (await damage(place, kind, before!, trial, n === flips ? undefined : [seed, n]));
      if (known === undefined) add(outcome);
      outcomes.push(outcome);
      log(`${trial}: ${outcome.note}${outcome.problems.map((text) => `\n  ! ${text}`).join("")}`);
    }
  }
  return outcomes;
}

/** What the command leaves where nothing is damaged. */
async function undamaged(place: Workplace, kind: Kind): Promise<Left> {
  await kind.reset();
  const { code, stderr } = await runKind(place, kind);
  if (code !== 0) throw new Error(`${kind.name}: expected exit code 0, got ${code}: ${lastLines(stderr)}`);
  return leftBy(place, kind);
}

async function damage(
  place: Workplace,
  kind: Kind,
  before: Left,
  trial: string,
  flip: readonly [seed: number, n: number] | undefined,
): Promise<Outcome> {
  await kind.reset();
  const path = kind.file();
  const where = flip === undefined ? "removed" : flipBit(path, draw(flip[0], trial, "bit"));
  if (flip === undefined) rmSync(path);
  const { code, stderr } = await runKind(place, kind);
  const problems: string[] = [];
  let note: string;
  if (code !== 0) {
    const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
    const named = errors.some((line) => kind.named.test(line));
    if (errors.length !== 1) problems.push(`expected one line of error, got ${errors.length}: ${lastLines(stderr)}`);
    else if (!named) problems.push(`the error does not name the file: ${errors[0]}`);
    if (/^\s+at /m.test(stderr)) problems.push(`a stack trace: ${lastLines(stderr)}`);
    note = `refused: ${errors[0] ?? ""}`;
  } else {
    const after = leftBy(place, kind);
    const unlike = differences(before.files, after.files);
    const isTold = flip === undefined && after.missing > before.missing;
    if (!isTold) problems.push(...unlike.map((text) => `ended well, but ${text}`));
    if (unlike.length > 0) note = isTold ? "told as missing" : "not noticed";
    else if (kind.results.length === 0) note = "read, and nothing to compare it with";
    else note = kind.mended.test(stderr) ? "mended" : "the same results";
  }
  return { trial, faults: 1, problems, note: `${where}: ${note}` };
}

const runKind = (place: Workplace, { line, env }: Kind) =>
  start([place.main, ...line], { cwd: place.root, ...(env && { env }) }).ended;

interface Left {
  readonly files: Snapshot;
  /** How often the results say that something is not there. */
  readonly missing: number;
}

function leftBy({ root }: Workplace, { results, compared = (name) => name, missing }: Kind): Left {
  const files: Record<string, string> = {};
  let count = 0;
  for (const folder of results) {
    for (const [path, digest] of Object.entries(snapshot(join(root, folder)))) {
      const name = compared(`${folder}/${path}`);
      if (name === undefined) continue;
      files[name] = digest;
      if (missing === undefined) continue;
      count += readFileSync(join(root, folder, path), "utf8").split(missing).length - 1;
    }
  }
  return { files, missing: count };
}

/** Flips one bit of a file, `at` from 0 to 1 of its length; says which. */
export function flipBit(path: string, at: number): string {
  const bytes = readFileSync(path);
  const bit = Math.floor(at * bytes.length * 8);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(path, bytes);
  return `bit ${bit & 7} of byte ${bit >> 3} of ${bytes.length}`;
}
