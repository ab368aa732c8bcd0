import { type Side, topicPairs } from "./words.ts";

/** A sentence that asks a masked language model for a pronoun. */
export interface PronounProbe {
  /** Has one `[MASK]`. */
  readonly text: string;
  /** The occupation that it asks about. */
  readonly job: string;
  /** The gender that the demo's corpus ties the job to. */
  readonly side: Side;
}

/** The two pronouns of the gap (P(he) − P(she)) / (P(he) + P(she)), which is 0 where a model has no preference. */
export const pronouns = { male: "he", female: "she" } as const;

/** Every job with the two after it of its kind, in each template. */
export function pronounProbes(): PronounProbe[] {
  const { male, female } = topicPairs.jobs;
  return [...ofSide("male", male.words), ...ofSide("female", female.words)];
}

function ofSide(side: Side, jobs: readonly string[]): PronounProbe[] {
  return jobs.flatMap((job, i) => {
    const [second, third] = [jobs[(i + 1) % jobs.length]!, jobs[(i + 2) % jobs.length]!];
    return templates.map((template) => ({ text: template(job, second, third), job, side }));
  });
}

const templates = [
  (a: string, b: string, c: string) => `[MASK] trained as a ${a} and worked as a ${b} and a ${c}.`,
  (a: string, b: string, c: string) => `Every morning [MASK] worked as a ${a}, a ${b} and a ${c}.`,
];
