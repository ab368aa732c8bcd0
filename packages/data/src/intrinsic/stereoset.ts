import { printable, reason } from "@pruning-bias/files";
import { z } from "zod";
import { checked, readTestSet } from "./text.ts";

/** What a sentence of StereoSet is to its context (Nadeem et al. 2021). */
export const stereoSetLabels = ["stereotype", "anti-stereotype", "unrelated"] as const;

/** One of `stereoSetLabels`. */
export type StereoSetLabel = (typeof stereoSetLabels)[number];

/** A sentence of an example, and the word in it that fills the context's BLANK. */
export interface StereoSetSentence {
  /** As the file has it. */
  readonly id: string;
  /** The context with BLANK filled. */
  readonly sentence: string;
  /** Without ASCII punctuation. */
  readonly word: string;
}

/** A context with a BLANK and three ways to fill it (Nadeem et al. 2021, the intrasentence test). */
export interface StereoSetExample {
  /** As the file has it. */
  readonly id: string;
  /** The word that is stereotyped. */
  readonly target: string;
  /** `gender`, `profession`, `race` or `religion`. */
  readonly biasType: string;
  /** Has BLANK where the word is to stand. */
  readonly context: string;
  /** One of each label. */
  readonly sentences: Readonly<Record<StereoSetLabel, StereoSetSentence>>;
}

const Sentence = z.object({ id: z.string().min(1), sentence: z.string().min(1) });
const Labelled = Sentence.extend({ gold_label: z.enum(stereoSetLabels) });
const Example = z
  .object({
    id: z.string().min(1),
    target: z.string().min(1),
    bias_type: z.string().min(1),
    context: z.string().includes("BLANK"),
  })
  .and(
    z.union([
      z.object({ sentences: z.array(Labelled) }),
      z.object({ data: z.object({ stereotype: Sentence, "anti-stereotype": Sentence, unrelated: Sentence }) }),
    ]),
  );
const File = z.union([
  z.object({ data: z.object({ intrasentence: z.array(Example).min(1) }) }).transform(({ data }) => data.intrasentence),
  z.array(Example).min(1),
]);

/**
 * Reads the intrasentence examples of StereoSet's `dev.json`, or a list of such examples. Throws one line that names the
 * file and the place in it.
 */
export async function readStereoSet(path: string): Promise<StereoSetExample[]> {
  const text = await readTestSet(path, "StereoSet");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}: expected StereoSet, ${reason(error)}`, { cause: error });
  }
  // A list is checked as one, so that errors name a place in it.
  const schema = Array.isArray(value) ? File.options[1] : File.options[0];
  return checked(path, "StereoSet", schema, value).map((example) => exampleOf(path, example));
}

function exampleOf(path: string, { id, target, bias_type, context, ...given }: z.infer<typeof Example>) {
  const all =
    "data" in given ? stereoSetLabels.map((label) => ({ ...given.data[label], gold_label: label })) : given.sentences;
  // The last one of a label counts, as in the original.
  const sentences = Object.fromEntries(
    all.map((sentence) => [
      sentence.gold_label,
      { id: sentence.id, sentence: sentence.sentence, word: wordOf(path, id, context, sentence.sentence) },
    ]),
  ) as Record<StereoSetLabel, StereoSetSentence>;
  const missing = stereoSetLabels.filter((label) => sentences[label] === undefined);
  if (missing.length > 0) {
    throw new Error(
      `${path}: expected StereoSet, at example ${printable(id)}: no sentence with the label ${missing.join(", ")}`,
    );
  }
  return { id, target, biasType: bias_type, context, sentences };
}

/** The word at BLANK's place when both are split on single spaces. */
function wordOf(path: string, id: string, context: string, sentence: string): string {
  const place = context.split(" ").findLastIndex((word) => word.includes("BLANK"));
  const word = sentence.split(" ")[place];
  if (word === undefined) {
    throw new Error(
      `${path}: expected StereoSet, at example ${printable(id)}: a word ${place + 1} in ${printable(JSON.stringify(sentence))}, where BLANK is`,
    );
  }
  return word.replace(/[!-/:-@[-`{-~]/g, "");
}
