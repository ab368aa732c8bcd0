import { projected, type Projection } from "@pruning-bias/debias/projections";
import { embedder, type Protocol, seat, type SeatResult } from "@pruning-bias/eval-bias";
import type { Pruned } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { loadSeatTests, type Model } from "./inputs.ts";

/** What is measured. */
export interface SeatSubject {
  readonly model: Model;
  readonly pruned: Pruned | undefined;
  /** Of the last hidden state. */
  readonly projection?: Projection | undefined;
  readonly protocol: Protocol;
  readonly jit: Jit;
}

/** The configured bias tests on a model, pruned or not: effect sizes and p-values. */
export async function seatOf(
  { model, pruned, projection, protocol, jit }: SeatSubject,
  config: Config,
  context: Context,
): Promise<SeatResult[]> {
  const tests = await loadSeatTests(config, context);
  const embed = embedder({ ...model, protocol, pruned, jit });
  const seen = projection === undefined ? embed : projected(embed, projection);
  const results = await seat({ tests, embed: (sentences) => seen(sentences), protocol, seed: config.seed });
  await embed.dispose();
  return results;
}
