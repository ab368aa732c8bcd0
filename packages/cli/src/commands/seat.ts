import { embedder, type Protocol, seat, type SeatResult } from "@pruning-bias/eval-bias";
import type { Pruned } from "@pruning-bias/pruning";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { jitOf, loadSeatTests, type Model } from "./inputs.ts";

/** The configured bias tests on a model, pruned or not: effect sizes and p-values. */
export async function seatOf(
  { model, pruned, protocol }: { model: Model; pruned: Pruned | undefined; protocol: Protocol },
  config: Config,
  context: Context,
): Promise<SeatResult[]> {
  const tests = await loadSeatTests(config, context);
  const embed = embedder({ ...model, protocol, pruned, jit: jitOf(config) });
  const results = await seat({ tests, embed: (sentences) => embed(sentences), protocol, seed: config.seed });
  await embed.dispose();
  return results;
}
