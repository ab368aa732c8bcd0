import { openBackend } from "@pruning-bias/runtime";
import { compose } from "../config/compose.ts";
import { priced, type PricedSweep } from "../sweep/dry-run.ts";
import type { SweepOutcome } from "../sweep/run-sweep.ts";
import type { Context } from "./context.ts";
import { rate } from "./doctor.ts";

/** What each point of a sweep takes in time and disk on this machine, after a few matrix products. */
export async function price(sweep: SweepOutcome, { root, hub, machine }: Context): Promise<PricedSweep> {
  const { config } = compose(sweep.points[0]!.overrides);
  const backend = await openBackend(config.backend, {
    from: machine.native,
    ...(machine.threads !== undefined && { threads: machine.threads }),
  });
  const gflops = await rate(backend, 5);
  await backend.dispose();
  return priced(sweep, { gflops, hubCache: hub.cacheDir, root });
}
