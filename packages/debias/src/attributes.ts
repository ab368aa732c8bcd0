import type { Sentences } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { batchArrays } from "./encoder.ts";
import { microbatches, type MicrobatchOptions } from "./microbatches.ts";
import type { Programs } from "./programs.ts";

/** Parameters at a threshold, as the programs take them. */
export type HostModel = Parameters<Programs["attributeSum"]>[0]["model"];

/**
 * Static attributes (2, D): the mean token-mode embedding of male and of female sentences at the configured layers, in
 * evaluation mode.
 *
 * @param count sentences of each class, from its first
 */
export async function staticAttributes(
  programs: Programs,
  model: HostModel,
  { male, female, count }: { male: Sentences; female: Sentences; count: number },
  options: MicrobatchOptions,
): Promise<NDArray> {
  const means = [];
  for (const sentences of [male, female]) means.push(await mean(programs, model, sentences, count, options));
  return ndarray(Float32Array.from(means.flat()), [2, means[0]!.length]);
}

// Sums in float64: there may be tens of thousands of sentences.
async function mean(
  programs: Programs,
  model: HostModel,
  sentences: Sentences,
  count: number,
  options: MicrobatchOptions,
): Promise<number[]> {
  let sum: number[] | undefined;
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  for (const { batch } of microbatches(sentences, rows, options)) {
    const { data } = await programs.attributeSum({ model, batch: batchArrays(batch) });
    sum = Array.from(data, (value, i) => value + (sum?.[i] ?? 0));
  }
  return sum!.map((value) => value / (count * programs.rowsPerSentence));
}
