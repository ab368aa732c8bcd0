import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { GlueExamples } from "./read.ts";
import { type GlueTask, glueTasks } from "./tasks.ts";

/** A split as token ids, one example after the other without padding: example `i` from `offsets[i]` to `offsets[i + 1]`. */
export interface GlueTokens {
  /** Which of the nine. */
  readonly task: GlueTask;
  /** As the hub calls it. */
  readonly split: string;
  /** N: examples. */
  readonly length: number;
  /** [N + 1]: positions in `inputIds` and `tokenTypeIds`, the first 0. */
  readonly offsets: Int32Array;
  /** [tokens of all]: ids, with special tokens. */
  readonly inputIds: Uint16Array | Uint32Array;
  /** [tokens of all]: 1 in the second text. */
  readonly tokenTypeIds: Uint8Array;
  /** [N]: classes, or scores where the task is a regression; −1 throughout a test split. */
  readonly labels: Int32Array | Float64Array;
  /** [N]: the examples' own numbers. */
  readonly idx: Int32Array;
}

/**
 * Tokenises a split as run_glue does: pairs cut longest first at the tokenizer's `maxLength`.
 *
 * @throws RangeError for a split without examples, columns of different lengths, or labels that are none of the task's (−1 is
 *   one in a test split)
 */
export function tokenizeGlue(
  task: GlueTask,
  split: string,
  { first, second, labels, idx }: GlueExamples,
  tokenizer: Tokenizer,
): GlueTokens {
  if (first.length === 0) throw new RangeError(`${task}: ${split}: expected examples, got none`);
  for (const [name, values] of Object.entries({ second, labels, idx })) {
    if (values === undefined || values.length === first.length) continue;
    throw new RangeError(`${task}: ${split}: ${name}: expected ${first.length} examples, got ${values.length}`);
  }
  checkLabels(task, split, labels);
  const encoded = first.map((text, row) => tokenizer.encode(text, second?.[row]));
  const offsets = new Int32Array(encoded.length + 1);
  encoded.forEach(({ inputIds }, row) => (offsets[row + 1] = offsets[row]! + inputIds.length));
  const tokens = offsets[encoded.length]!;
  const inputIds = new (tokenizer.vocabularySize > 1 << 16 ? Uint32Array : Uint16Array)(tokens);
  const tokenTypeIds = new Uint8Array(tokens);
  for (const [row, { inputIds: ids, tokenTypeIds: types }] of encoded.entries()) {
    inputIds.set(ids, offsets[row]);
    tokenTypeIds.set(types, offsets[row]);
  }
  return { task, split, length: encoded.length, offsets, inputIds, tokenTypeIds, labels, idx };
}

/** Whether a split's labels are held back. */
export const isTestSplit = (split: string): boolean => split.startsWith("test");

/** The first `count` examples; all where there are fewer. @throws RangeError for a negative count or NaN */
export function firstExamples(tokens: GlueTokens, count: number): GlueTokens {
  if (!(count >= 0)) throw new RangeError(`firstExamples: expected a count of at least 0, got ${count}`);
  const length = Math.min(tokens.length, Math.floor(count));
  const end = tokens.offsets[length]!;
  return {
    ...tokens,
    length,
    offsets: tokens.offsets.subarray(0, length + 1),
    inputIds: tokens.inputIds.subarray(0, end),
    tokenTypeIds: tokens.tokenTypeIds.subarray(0, end),
    labels: tokens.labels.subarray(0, length),
    idx: tokens.idx.subarray(0, length),
  };
}

function checkLabels(task: GlueTask, split: string, labels: GlueExamples["labels"]): void {
  if (isTestSplit(split)) return;
  const { labels: classes } = glueTasks[task];
  const [least, most] = classes === 1 ? scoreRange : [0, classes - 1];
  const wrong = labels.findIndex((label) => !(label >= least && label <= most));
  if (wrong < 0) return;
  const expected = `expected labels from ${least} to ${most}`;
  throw new RangeError(`${task}: ${split}: ${expected}, got ${labels[wrong]} in example ${wrong}`);
}

/** What similarity is scored in (STS-B). */
export const scoreRange = [0, 5] as const;
