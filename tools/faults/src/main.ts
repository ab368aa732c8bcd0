import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { counts, readFlags, typed } from "./flags.ts";
import type { Outcome } from "./record.ts";

// Only this file prints and reads the command line.
const log = (line: string) => void process.stderr.write(`${line}\n`);
const { values, positionals } = readFlags({
  args: typed(),
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    moments: { type: "string", default: "100" },
    points: { type: "string", default: "1000" },
    flips: { type: "string", default: "10" },
    trials: { type: "string", default: "3" },
    only: { type: "string" },
    out: { type: "string", default: join(tmpdir(), "pruning-bias-faults") },
  },
});
const [seed, moments, points, flips, trials] = counts(values, ["seed", "moments", "points", "flips", "trials"]);
const options = {
  ...{ out: resolve(values.out), seed, moments, log },
  ...(values.only !== undefined && { only: values.only.split(",") }),
};

const campaigns: Readonly<Record<string, () => Promise<Outcome[]>>> = {
  kill: async () => (await import("./kill.ts")).killCampaign(options),
  damage: async () => (await import("./damage.ts")).damageCampaign({ ...options, flips }),
  disk: async () => (await import("./disk.ts")).diskCampaign({ ...options, trials }),
  sweeps: async () => (await import("./sweeps.ts")).sweepsCampaign({ ...options, trials }),
  soak: async () => (await import("./soak.ts")).soakCampaign({ ...options, points }),
};

const [name = ""] = positionals;
if (!Object.hasOwn(campaigns, name)) {
  log(`error: faults: expected one of ${Object.keys(campaigns).join(", ")}, got ${JSON.stringify(name)}`);
  process.exitCode = 2;
} else
  await campaigns[name]!().then(tell, (error: Error) => {
    log(`error: ${name}: ${error.message}`);
    process.exitCode = 1;
  });

function tell(outcomes: readonly Outcome[]): void {
  const bad = outcomes.filter(({ problems }) => problems.length > 0);
  const faults = outcomes.reduce((sum, outcome) => sum + outcome.faults, 0);
  log(
    bad.length === 0
      ? `${name}: ${faults} faults in ${outcomes.length} trials, all survived`
      : `error: ${name}: ${bad.length} of ${outcomes.length} trials (${faults} faults) left something wrong, the first ${bad[0]!.trial}: ${bad[0]!.problems[0]}`,
  );
  if (bad.length > 0) process.exitCode = 1;
}
