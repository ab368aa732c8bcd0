import { embedder, type Protocol, seat, type SeatResult } from "@pruning-bias/eval-bias";
import type { Pruned } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { loadSeatTests, type Model } from "./inputs.ts";

/** The configured bias tests on a model, pruned or not: effect sizes and p-values. */
export async function seatOf(
  { model, pruned, protocol, jit }: { model: Model; pruned: Pruned | undefined; protocol: Protocol; jit: Jit },
  config: Config,
  context: Context,
): Promise<SeatResult[]> {
  const tests = await loadSeatTests(config, context);
  const embed = embedder({ ...model, protocol, pruned, jit });
  const results = await seat({ tests, embed: (sentences) => embed(sentences), protocol, seed: config.seed });
  await embed.dispose();
  return results;
}
