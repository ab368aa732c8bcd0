import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, workspace } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";
import { copyOfWorkspace } from "./workspace-copy.ts";

const loopback = join(workspace, "tools/slurm/loopback.sh");

/** Why there is no Slurm here; `undefined` where it runs. */
async function start(folder: string): Promise<string | undefined> {
  try {
    execFileSync(loopback, ["start", folder], { stdio: ["ignore", "ignore", "pipe"], timeout: 40_000 });
    return undefined;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim();
  }
}

const slurm = join(await temporary(), "slurm");
const missing = await start(slurm);
const name = `a sweep on Slurm${missing === undefined ? "" : ` (skipped: ${missing})`}`;
afterAll(() => {
  if (missing === undefined) execFileSync(loopback, ["stop", slurm]);
});

describe.skipIf(missing !== undefined)(name, () => {
  const env = { SLURM_CONF: join(slurm, "slurm.conf") };
  let root: string;
  let overrides: string[];
  beforeAll(async () => {
    root = await copyOfWorkspace();
    await mkdir(join(root, "runs/small/slurm"), { recursive: true });
    overrides = (await smallModel()).overrides.filter((override) => !override.startsWith("prune_block_size="));
  });
  const sweep = (sizes: string) =>
    run(
      [
        "sweep",
        "name=small",
        ...overrides,
        `prune_block_size=${sizes}`,
        "--launcher",
        "slurm",
        "slurm.cpus=1",
        "--json",
      ],
      {
        ...{ root, env },
      },
    );
  const queue = () =>
    execFileSync("squeue", ["--noheader"], { env: { ...process.env, ...env }, encoding: "utf8" }).trim();
  const finished = async () => {
    for (let left = 400; queue() !== "" && left > 0; left--) await sleep(500);
    return queue();
  };

  it("runs its tasks as jobs, one that fails beside the others, and draws the report", async () => {
    const { stdout, stderr, code } = await sweep("8,7");
    expect(stderr).toMatch(/job \d+: train, 2 tasks/);
    expect(code).toBe(0);
    const { jobs } = JSON.parse(stdout) as { jobs: { name: string }[] };
    expect(jobs.map(({ name }) => name)).toEqual(["data", "train", "baseline", "bias", "report"]);
    expect(await finished()).toBe("");
    expect(existsSync(join(root, "runs/small/prune_block_size=8/bias.json"))).toBe(true);
    expect(existsSync(join(root, "runs/small/prune_block_size=7/summary.json"))).toBe(false);
    expect(existsSync(join(root, "runs/small/report.html"))).toBe(true);
  }, 240_000);

  it("submitted again runs only what is missing", async () => {
    await sweep("8,head");
    expect(await finished()).toBe("");
    const logs = readdirSync(join(root, "runs/small/slurm")).filter((name) => /^train-.*_\d+\.log$/.test(name));
    const last = logs.toSorted((a, b) => Number(/-(\d+)_/.exec(a)![1]) - Number(/-(\d+)_/.exec(b)![1])).slice(-2);
    const [first, second] = last.toSorted().map((name) => readFileSync(join(root, "runs/small/slurm", name), "utf8"));
    expect(first).toMatch(/Cache:\s+2\/2 hit/);
    expect(second).toMatch(/Cache:\s+1\/2 hit/);
    expect(existsSync(join(root, "runs/small/prune_block_size=head/bias.json"))).toBe(true);
  }, 240_000);
});
