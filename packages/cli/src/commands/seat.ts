import { projected, type Projection } from "@pruning-bias/debias/projections";
import { type Current, embedder, type Protocol, seat, type SeatResult } from "@pruning-bias/eval-bias";
import type { Pruned } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { loadSeatTests, type Model } from "./inputs.ts";
import type { Effects } from "./tensorboard.ts";

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

/** Effect sizes of an encoder as it stands while it trains. */
export interface SeatMeter {
  (current: Current): Promise<Effects>;
  dispose(): Promise<void>;
}

/** The configured bias tests, [CLS] of the last layer, from programs that are compiled once. */
export async function seatMeter(
  config: Config,
  { checkpoint, tokenizer }: Model,
  { pruned, jit }: Pick<SeatSubject, "pruned" | "jit">,
  context: Context,
): Promise<SeatMeter> {
  const tests = await loadSeatTests(config, context);
  const embed = embedder({ checkpoint, tokenizer, pruned, jit });
  const effects = async (current: Current): Promise<Effects> => {
    // Effect sizes alone are shown here: as few permutations as there can be, and no intervals.
    const own = (sentences: string[]) => embed(sentences, current);
    const results = await seat({ tests, embed: own, protocol: "cls", samples: 1, bootstrapSamples: 0 });
    return Object.fromEntries(results.map(({ test, effectSize }) => [test, effectSize]));
  };
  return Object.assign(effects, { dispose: () => embed.dispose() });
}
