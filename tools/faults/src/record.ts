import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** What came of a trial. */
export interface Outcome {
  /** What was tried, such as `train 7`; the same in every campaign of one seed. */
  readonly trial: string;
  /** How often something was done to it. */
  readonly faults: number;
  /** What should not be, a line each; none where all is well. */
  readonly problems: readonly string[];
  /** For people: what was done, and what came of it. */
  readonly note: string;
}

/** The outcomes of a campaign in a file, a line each, so that one that was stopped goes on behind the last. */
export interface Record_ {
  readonly done: ReadonlyMap<string, Outcome>;
  readonly add: (outcome: Outcome) => void;
}

export function record(path: string): Record_ {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  // A line that was not finished is tried again.
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const done = new Map<string, Outcome>();
  for (const line of lines) {
    if (line === "") continue;
    const outcome = JSON.parse(line) as Outcome;
    done.set(outcome.trial, outcome);
  }
  const broken = text.endsWith("\n") || text === "" ? "" : "\n";
  let first = broken;
  return {
    done,
    add(outcome) {
      appendFileSync(path, `${first}${JSON.stringify(outcome)}\n`);
      first = "";
      done.set(outcome.trial, outcome);
    },
  };
}
