import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
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
  // Jobs inherit the environment of whoever submits them.
  const token = `hf_${randomBytes(24).toString("hex")}`;
  const env = { SLURM_CONF: join(slurm, "slurm.conf"), HF_TOKEN: token };
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
    const files = readdirSync(join(root, "runs"), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    );
    const texts = files.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), "latin1")] as const);
    expect(texts.filter(([name]) => /\.(sh|log)$/.test(name)).length).toBeGreaterThan(jobs.length);
    expect(texts.flatMap(([name, text]) => (text.includes(token) ? [name] : []))).toEqual([]);
  }, 240_000);

  it("fine-tunes the classifiers that points start from before them, and scores them again, beside other GLUE tasks; one that fails stops its own points alone", async () => {
    const own = overrides.filter((override) => !override.startsWith("experiment="));
    const quick = ["finetune.epochs=1", "finetune.batch_size=8", "finetune.limit_train=16"];
    const words = [
      ...["sweep", "name=then", "experiment=glue_then_debias", "glue=cola,mrpc,rte", ...own, ...quick],
      ...["--glue", "cola,mrpc", "--seeds", "3,4", "--launcher", "slurm", "slurm.cpus=1", "--json"],
    ];
    await mkdir(join(root, "runs/then/slurm"), { recursive: true });
    const { stdout, stderr, code } = await run(words, { root, env });
    expect(code, stderr).toBe(0);
    const { jobs } = JSON.parse(stdout) as { jobs: { name: string; tasks: number }[] };
    expect(jobs.map(({ name, tasks }) => [name, tasks])).toEqual([
      ...[
        ["classifiers", 3],
        ["data", 3],
        ["train", 3],
        ["baseline", 14],
        ["bias", 3],
      ],
      // Each is scored on its own task as it is, and fine-tuned on the other with each seed.
      ...[
        ["glue-cola-42", 1],
        ["glue-mrpc-3", 2],
        ["glue-mrpc-4", 2],
      ],
      ...[
        ["glue-mrpc-42", 1],
        ["glue-cola-3", 2],
        ["glue-cola-4", 2],
        ["glue-rte-42", 1],
        ["report", 1],
      ],
    ]);
    expect(await finished()).toBe("");
    const result = (path: string) => JSON.parse(readFileSync(join(root, "runs/then", path), "utf8")) as object;
    for (const [kept, other] of [
      ["cola", "mrpc"],
      ["mrpc", "cola"],
    ]) {
      expect(result(`glue=${kept}/glue/${kept}-42.json`)).toMatchObject({ task: kept, keep: "as it was" });
      for (const seed of [3, 4])
        expect(result(`glue=${kept}/glue/${other}-${seed}.json`)).toMatchObject({ seed, epochs: 1 });
    }
    expect(result("baseline/glue/cola-42.json")).toMatchObject({ keep: "as it was" });
    const { stdout: listed } = await run([...words, "--dry-run"], { root, env });
    const { points, shared } = JSON.parse(listed) as Record<"points" | "shared", { done: boolean }[]>;
    expect(points.map(({ done }) => done)).toEqual([true, true, false]);
    expect(shared.map(({ done }) => done)).toEqual([true, true, false, true, true, false]);
    // Of rte there is no data: its classifier said so, and what came after named its log.
    const log = readdirSync(join(root, "runs/then/slurm")).find((name) => /^train-\d+_2\.log$/.test(name));
    expect(readFileSync(join(root, "runs/then/slurm", log!), "utf8")).toMatch(
      /^error: what it needs failed: runs\/then\/slurm\/data-\d+_2\.log\n/,
    );
    expect(existsSync(join(root, "runs/then/report.html"))).toBe(true);
  }, 400_000);

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
