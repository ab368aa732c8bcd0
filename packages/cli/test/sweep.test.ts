import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel } from "./small-model.ts";
import { copyOfWorkspace } from "./workspace-copy.ts";

/** Starts a command and kills it, and all that it started, when it says something; returns what it said. */
function killed(words: readonly string[], when: RegExp, root: string): Promise<string> {
  const child = spawn(process.execPath, [join(root, "packages/cli/src/main.ts"), ...words], {
    ...{ cwd: root, detached: true, env: { ...process.env, NX_DAEMON: "false" } },
  });
  let said = "";
  // Nx writes names in colours where it takes the machine for one of a CI.
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += stripVTControlCharacters(text);
    if (when.test(said)) process.kill(-child.pid!, "SIGKILL");
  });
  // A test that takes too long must leave nothing behind that goes on.
  const late = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), 200_000);
  return new Promise((resolve) => {
    child.on("close", () => {
      clearTimeout(late);
      resolve(said);
    });
  });
}

describe("a sweep", () => {
  let root: string;
  let overrides: string[];
  beforeAll(async () => {
    root = await copyOfWorkspace();
    ({ overrides } = await smallModel());
    overrides = overrides.filter((override) => !override.startsWith("prune_block_size="));
  });
  const sweep = (sizes: string, ...more: string[]) =>
    run(["sweep", "name=small", ...overrides, `prune_block_size=${sizes}`, "--json", ...more], { root });
  const hits = (stderr: string) => /Cache:\s+(\d+)\/(\d+) hit/.exec(stderr)?.slice(1).map(Number);

  it("lists its points without running them", async () => {
    const { stdout, code } = await sweep("8,16", "--dry-run");
    expect(code).toBe(0);
    const { points } = JSON.parse(stdout) as { points: { name: string }[] };
    expect(points.map(({ name }) => name)).toEqual(["prune_block_size=8", "prune_block_size=16"]);
    expect(existsSync(join(root, "experiments/small"))).toBe(false);
  });

  it("that is killed in the middle keeps what is finished, and the half point goes on from its checkpoint", async () => {
    const words = ["sweep", "name=killed", ...overrides, "prune_block_size=8,16", "trainer.checkpoint_every=1"];
    const long = words.map((word) =>
      word.replace("trainer.max_steps=3", "trainer.max_steps=60").replace("max_epochs=1", "max_epochs=20"),
    );
    // Once the second point is training, whichever it is, everything is killed.
    const said = await killed(long, /size=(\d+): step \d+\/60[\s\S]*size=(?!\1)\d+: step (?!1\/)\d+\/60/, root);
    const [done, half] = [...new Set([...said.matchAll(/prune_block_size=(\d+): step/g)].map(([, size]) => size!))];
    const summary = (size: string) => existsSync(join(root, `runs/killed/prune_block_size=${size}/summary.json`));
    expect([summary(done!), summary(half!)], said).toEqual([true, false]);
    const { stderr, code } = await run(long, { root });
    expect(code).toBe(0);
    expect(stripVTControlCharacters(stderr)).toContain(
      `prune_block_size=${half}: going on from runs/killed/prune_block_size=${half}/checkpoints`,
    );
    expect(stripVTControlCharacters(stderr)).toContain(`nx run killed/prune_block_size=${done}:train  [`);
    expect(hits(stderr)![0]).toBeGreaterThanOrEqual(2);
  }, 240_000);

  it("goes on where a point fails, and says which did", async () => {
    const { stdout, stderr, code } = await sweep("8,7");
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: pruning\.attention_block_rows/);
    const { failed } = JSON.parse(stdout) as { failed: { task: string; why: string; log: string }[] };
    expect(failed).toEqual([
      {
        task: "prune_block_size=7:train",
        why: expect.stringMatching(/^pruning\.attention_block_rows/),
        log: expect.any(String),
      },
    ]);
    expect(await readFile(failed[0]!.log, "utf8")).toContain("error: pruning.attention_block_rows");
    expect(existsSync(join(root, "runs/small/prune_block_size=8/bias.json"))).toBe(true);
    expect(existsSync(join(root, "runs/small/prune_block_size=7/summary.json"))).toBe(false);
  }, 120_000);

  it("after mending runs only what is not there", async () => {
    const { stderr, code } = await sweep("8,head");
    expect(code).toBe(0);
    // Of the data, 2 points with train and bias, the baseline's bias and the report: the first point and the baseline are there.
    expect(hits(stderr)).toEqual([4, 7]);
    const html = await readFile(join(root, "runs/small/report.html"), "utf8");
    expect(html).toContain("prune_block_size=head");
  }, 120_000);

  it("runs nothing a second time, brings back what was deleted, and leaves alone what lies in place", async () => {
    const [kept, deleted] = ["8", "head"].map((size) => join(root, `runs/small/prune_block_size=${size}/summary.json`));
    await rm(deleted!);
    const { ino } = await stat(kept!);
    const { stderr } = await sweep("8,head");
    expect(hits(stderr)).toEqual([7, 7]);
    expect(existsSync(deleted!)).toBe(true);
    expect((await stat(kept!)).ino).toBe(ino);
  }, 120_000);

  it("says what is there and what is still to be done", async () => {
    const { stdout } = await sweep("8,head,16", "--dry-run", "--glue", "cola", "--where");
    const { points } = JSON.parse(stdout) as { points: { toDo: string[] }[] };
    const asked = ["where", "glue-cola-42"];
    expect(points.map(({ toDo }) => toDo)).toEqual([asked, asked, ["train", "bias", ...asked]]);
  }, 60_000);

  it("adding a value to the grid runs its points alone", async () => {
    const { stderr } = await sweep("8,head,16");
    expect(hits(stderr)).toEqual([6, 9]);
  }, 120_000);

  it("another corpus runs all points again", async () => {
    const corpus = overrides.find((override) => override.startsWith("datamodule.datafiles.plaintext="))!.split("=")[1]!;
    await writeFile(corpus, `${await readFile(corpus, "utf8")}he is a king.\n`);
    const { stderr } = await sweep("8");
    expect(hits(stderr)![0]).toBe(0);
  }, 120_000);
});
