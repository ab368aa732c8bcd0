import { protocols, type SeatResult } from "@pruning-bias/eval-bias";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import type { Context } from "./context.ts";
import { loadModel, loadPruned, openJit } from "./inputs.ts";
import { seatOf } from "./seat.ts";

export interface BiasOptions {
  readonly config: Config;
  readonly model: string;
  /** A score state dict that masks the model. */
  readonly scores?: string;
  readonly embedding: string;
}

/** Bias tests of any encoder, pruned or not. */
export async function bias(
  { config, model: name, scores, embedding }: BiasOptions,
  context: Context,
): Promise<SeatResult[]> {
  const protocol = protocols.find((known) => known === embedding);
  if (protocol === undefined) throw new UsageError(`--embedding: expected ${protocols.join(" | ")}, got ${embedding}`);
  const model = await loadModel(name, context);
  const pruned = scores === undefined ? undefined : await loadPruned(scores, model.checkpoint.config);
  const jit = await openJit(config, context);
  const results = await seatOf({ model, pruned, protocol, jit }, config, context);
  for (const { test, effectSize, p, pKind } of results) {
    context.log(
      `${test}  effect ${effectSize.toFixed(3)}  p ${p === null ? "–" : p.toPrecision(2)} (${pKind}, ${protocol})`,
    );
  }
  return results;
}
