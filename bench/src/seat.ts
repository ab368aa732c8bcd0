import { join } from "node:path";
import { loadTokenizer, readSeat } from "@pruning-bias/data";
import type { Parameters } from "@pruning-bias/debias";
import { embedder, seat } from "@pruning-bias/eval-bias";
import type { Checkpoint } from "@pruning-bias/model";
import type { Layout } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import { round } from "./measure.ts";

export interface SeatOptions {
  /** With `sent-weat6.jsonl`, 7 and 8. */
  readonly folder: string;
  readonly tokenizer: string;
  readonly checkpoint: Checkpoint;
  readonly layout: Layout;
  readonly jit: Jit;
}

/** Effect sizes of SEAT-6, 7 and 8 of [CLS] in the last layer, of the model under given scores at a threshold. */
export async function seatMeasure({ folder, tokenizer, checkpoint, layout, jit }: SeatOptions) {
  const tests = await Promise.all([6, 7, 8].map((n) => readSeat(join(folder, `sent-weat${n}.jsonl`))));
  const pruned = { layout, scores: {}, threshold: 0 };
  const embed = embedder({ checkpoint, tokenizer: await loadTokenizer(tokenizer), pruned, jit });
  return async ({ weights, scores }: Parameters, threshold: number): Promise<number[]> => {
    const current = (sentences: string[]) => embed(sentences, { weights, scores, threshold });
    const results = await seat({ tests, embed: current, protocol: "cls", samples: 1, bootstrapSamples: 0 });
    return results.map(({ effectSize }) => round(effectSize));
  };
}
