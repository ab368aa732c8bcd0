import { expect, it } from "vitest";
import { pnpm, reachable, type Trial, tryPackages, workspace } from "../src/index.ts";

const uplink = (await pnpm(["config", "get", "registry"], { cwd: workspace })).trim();
const missing = await reachable(uplink);
const skipped = missing === undefined ? "" : ` (skipped: ${missing})`;

// The short form of `pnpm try-packages`: one Node, the package that others build on, and the command line.
it.skipIf(missing !== undefined)(
  `what a registry hands out installs into empty projects and runs as its README says${skipped}`,
  async ({ signal }) => {
    const tried: Trial[] = [];
    for await (const trial of tryPackages({ uplink, only: ["pruning", "cli"], signal })) tried.push(trial);
    expect(tried.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(tried.map(({ what }) => what)).toEqual([
      ...["pruning, 1 of 2 blocks of code", "pruning, 2 of 2 blocks of code"],
      ...["cli --help", "cli config --json", "cli sweep --dry-run experiment=demo"],
    ]);
  },
  600_000,
);
