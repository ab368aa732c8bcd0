import { readdirSync } from "node:fs";
import { fineprune } from "@pruning-bias/debias";
import { initWeights, parseConfig } from "@pruning-bias/model";
import { fromNnPruning } from "@pruning-bias/pruning";
import { sentencesOf } from "@pruning-bias/data";
import { compiler } from "@pruning-bias/runtime";
import { draw } from "./draw.ts";
import type { Outcome } from "./record.ts";

export interface SoakOptions {
  readonly points: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** Memory and open files after a point. */
interface Level {
  readonly megabytes: number;
  readonly files: number;
}

/** Megabytes that the second half's median may be above the first's, the first tenth apart: a leak of 4 MB a point shows in 20. */
const ALLOWED = 40;

/**
 * Many short points in one process, each with graphs of its own: what it takes must not grow. Compared are the medians of the
 * second quarter of the points and of the last.
 */
export async function soakCampaign({ points, seed, log }: SoakOptions): Promise<Outcome[]> {
  const levels: Level[] = [];
  for (let n = 0; n < points; n++) {
    await point(seed, n);
    globalThis.gc?.();
    levels.push(level());
    if ((n + 1) % Math.ceil(points / 10) === 0) log(`${n + 1} points: ${told(levels.at(-1)!)}`);
  }
  const quarter = Math.floor(points / 4);
  const [early, late] = [median(levels.slice(quarter, 2 * quarter)), median(levels.slice(-quarter))];
  const problems = [
    ...(late.megabytes > early.megabytes + ALLOWED ? [`memory grew: ${told(early)}, then ${told(late)}`] : []),
    ...(late.files > early.files ? [`open files grew: ${told(early)}, then ${told(late)}`] : []),
  ];
  return [{ trial: `${points} points`, faults: points, problems, note: `${told(early)}, then ${told(late)}` }];
}

async function point(seed: number, n: number): Promise<void> {
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 200, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4 },
    ...{ intermediate_size: 64, max_position_embeddings: 32 },
  });
  const sentences = (what: string) => {
    const rows = Array.from({ length: 8 }, (_, row) =>
      Array.from({ length: 8 }, (_, at) => 5 + Math.floor(190 * draw(seed, n, what, row, at))),
    );
    return { ...sentencesOf(rows), keywordMask: Uint8Array.from({ length: 64 }, (_, at) => (at % 8 === 1 ? 1 : 0)) };
  };
  const jit = compiler();
  const run = fineprune({
    checkpoint: { config, weights: initWeights(config, { seed: n, head: "none" }) },
    pruning: fromNnPruning({ attention_block_rows: 8, attention_block_cols: 8 }),
    train: { targets: sentences("targets"), male: sentences("male"), female: sentences("female") },
    ...{ freezeWeights: n % 2 === 0, batchSize: 8, epochs: 1, maxSteps: 2, jit },
  });
  for await (const _ of run);
}

function level(): Level {
  const { rss } = process.memoryUsage();
  return { megabytes: rss / 1e6, files: readdirSync("/proc/self/fd").length };
}

function median(levels: readonly Level[]): Level {
  const middle = (of: (level: Level) => number) => levels.map(of).toSorted((a, b) => a - b)[levels.length >> 1]!;
  return { megabytes: middle(({ megabytes }) => megabytes), files: middle(({ files }) => files) };
}

const told = ({ megabytes, files }: Level): string => `${Math.round(megabytes)} MB, ${files} open files`;
