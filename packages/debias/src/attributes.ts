import type { Sentences } from "@pruning-bias/data";
import { ndarray, type NDArray } from "@pruning-bias/runtime";
import { batchArrays } from "./encoder.ts";
import { microbatches, type MicrobatchOptions } from "./microbatches.ts";
import type { Programs } from "./programs.ts";
import { type Devices, sideBySide } from "./side-by-side.ts";

/** Parameters at a threshold, as the programs take them. */
export type HostModel = Parameters<Programs["attributeSum"]>[0]["model"];

/**
 * Static attributes [2, hidden]: the mean token-mode embedding of male and of female sentences at the configured layers, in
 * evaluation mode.
 *
 * @param counts how many sentences of each class, from its first
 */
export async function staticAttributes(
  programs: Programs,
  model: HostModel,
  { male, female, counts }: { male: Sentences; female: Sentences; counts: readonly [male: number, female: number] },
  options: MicrobatchOptions & Devices,
): Promise<NDArray> {
  const means = [];
  for (const [n, sentences] of [male, female].entries()) {
    means.push(await mean(programs, model, sentences, counts[n]!, options));
  }
  return ndarray(Float32Array.from(means.flat()), [2, means[0]!.length]);
}

// Sums in float64: there may be tens of thousands of sentences.
async function mean(
  programs: Programs,
  model: HostModel,
  sentences: Sentences,
  count: number,
  { devices = 1, ...options }: MicrobatchOptions & Devices,
): Promise<number[]> {
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  const sums = await sideBySide(microbatches(sentences, rows, options), devices, ({ batch }) =>
    programs.attributeSum({ model, batch: batchArrays(batch) }),
  );
  return Array.from(sums[0]!.data.keys(), (i) => {
    const sum = sums.reduce((all, { data }) => data[i]! + all, 0);
    return sum / (count * programs.rowsPerSentence);
  });
}
