import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { examples } from "../packages/cli/src/help.ts";
import { generated } from "../packages/cli/src/reference/index.ts";
import type { Cost } from "../packages/cli/src/sweep/cost.ts";
import { readSweepFile, runSweep } from "../packages/cli/src/sweep/index.ts";
import { run, workspace } from "../packages/cli/test/command-line.ts";
import { smallModel } from "../packages/cli/test/small-model.ts";
import { copyOfWorkspace } from "../packages/cli/test/workspace-copy.ts";

const docs = join(workspace, "docs");
const pages = readdirSync(docs, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .toSorted();
const textOf = (page: string) => readFileSync(join(docs, page), "utf8");
const blocks = (page: string, language: string) =>
  [...textOf(page).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``, "g"))].map(([, block]) => block!);
const commands = pages.flatMap((page) =>
  blocks(page, "sh").flatMap((block) => block.split("\n").map((line) => [page, line] as const)),
);

describe("the docs", () => {
  let root: string;
  beforeAll(async () => {
    root = await copyOfWorkspace();
    const { dir, model } = await smallModel();
    // What the pages call `my/…`.
    await cp(model, join(root, "my/model"), { recursive: true });
    await cp(join(dir, "data/corpus.txt"), join(root, "my/corpus.txt"));
    await cp(join(dir, "data/words"), join(root, "my/words"), { recursive: true });
    await cp(join(dir, "data/seat/demo-career-family.jsonl"), join(root, "my/tests/career-family.jsonl"));
    await cp(join(workspace, "experiments/demo"), join(root, "experiments/demo"), { recursive: true });
    for (const [i, block] of pages.flatMap((page) => blocks(page, "json")).entries()) {
      const file = join(root, `experiments/${i === firstMine() ? "mine" : `page-${i}`}/sweep.json`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, block);
    }
    await mkdir(join(root, "runs/mine"), { recursive: true });
  }, 60_000);

  it.each(commands)(
    "%s: %s",
    async (_, line) => {
      const words = toRun(line);
      if (words === undefined) return;
      const { code, stderr } = words.includes("--watch") ? await watched(words, root) : await run(words, { root });
      expect(stderr.split("\n").filter((said) => said.startsWith("error:"))).toEqual([]);
      expect(code).toBe(0);
    },
    60_000,
  );

  it.each([
    ["the README", "README.md", 0],
    ["the tutorial, as the original has them,", "docs/tutorial.md", 1],
  ])(
    "the three sweeps of %s have 8, 4 and 8 points, and what each takes is said, through Nx",
    async (_, page, options) => {
      const lines = readFileSync(join(workspace, page), "utf8").split("\n");
      const sweeps = lines.flatMap((line) => /^pnpm nx run cli:sweep -- (.*)$/.exec(line)?.[1] ?? []).slice(0, 3);
      expect(sweeps.filter((words) => words.startsWith("--multirun "))).toHaveLength(3 * options);
      const counts: number[] = [];
      for (const words of sweeps) {
        const nx = join(workspace, "node_modules/nx/dist/bin/nx.js");
        const line = [nx, "run", "cli:sweep", "--", ...words.split(" "), "--dry-run", "--json"];
        const inherited = Object.entries(process.env).filter(([key]) => !/^(NX_|RUN_|VITEST)/.test(key));
        const env = { ...Object.fromEntries(inherited), NX_DAEMON: "false" };
        const { stdout, stderr } = await promisify(execFile)(process.execPath, line, { cwd: root, env });
        // Nx writes lines of its own before and after.
        const [object, ...more] = stdout.split("\n").filter((text) => text.startsWith("{"));
        expect(more).toEqual([]);
        const { points } = JSON.parse(object!) as { points: { name: string; overrides: string[]; cost: Cost }[] };
        counts.push(points.length);
        expect(new Set(points.map(({ name }) => name)).size).toBe(points.length);
        for (const { name, cost } of points) {
          expect(cost.trainSeconds!, name).toBeGreaterThan(0);
          expect(cost.bytes!, name).toBeGreaterThan(0);
          const row = stderr.split("\n").find((text) => text.startsWith(`  ${name} `));
          expect(row).toMatch(/ steps, training .*, bias tests .*, [\d.]+ [MG]B on disk, /);
        }
        expect(points[0]!.overrides).toEqual(expect.arrayContaining(["model.debias_mode=sentence"]));
      }
      expect(counts).toEqual([8, 4, 8]);
    },
    60_000,
  );

  it("show sweep files that can be read", () => {
    const names = readdirSync(join(root, "experiments"));
    expect(names).toContain("mine");
    for (const name of names) expect(() => readSweepFile(join(root, "experiments", name, "sweep.json"))).not.toThrow();
  });

  it("have links that lead somewhere", () => {
    for (const page of pages) {
      for (const [, link] of textOf(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
        expect(() => readFileSync(join(docs, dirname(page), link!)), `${page}: ${link}`).not.toThrow(/ENOENT/);
      }
    }
  });
});

it("the reference is what the schemas say: pnpm docs:reference writes it", async () => {
  const plain = (text: string) =>
    text
      .replaceAll(/[ \t]+|-{3,}/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim();
  for (const [path, text] of Object.entries(await generated(workspace))) {
    const stored = readFileSync(join(workspace, path), "utf8");
    const read = path.endsWith(".json") ? JSON.parse : plain;
    expect(read(stored), path).toEqual(read(text));
  }
}, 60_000);

describe("examples in help", () => {
  const lines = Object.entries(examples).flatMap(([command, own]) => own.map(([line]) => [command, line] as const));
  it.each(lines)("of %s: %s", async (command, line) => {
    expect(line.split(" ")[0]).toBe(command);
    const isSetting = (word: string) => /^[a-z_.]+=/.test(word) && !word.startsWith("name=");
    const settings = line.split(" ").filter(isSetting);
    const silent = { log: () => {}, output: () => {}, environment: {}, dryRun: true };
    await runSweep(settings, { root: workspace, ...silent });
  });
});

/** A line of the pages as words for the command line: sweeps are not run but listed, runs are short, the hub's models are ours. */
function toRun(line: string): string[] | undefined {
  if (line === "npm run sweep") return ["sweep", "--dry-run"];
  const [, file] = /^npm test -- (\S+\.test\.ts)$/.exec(line) ?? [];
  // Runs where it stands, among the tests of this file's own run.
  if (file !== undefined && existsSync(join(workspace, file))) return undefined;
  const [, sweep, rest] = /^pnpm (?:--silent )?(?:(nx run cli:sweep(?: --)?)|pruning-bias) ?(.*)$/.exec(line) ?? [];
  if (rest === undefined) throw new Error(`${line}: expected a command of pruning-bias`);
  const words = [...(sweep === undefined ? [] : ["sweep"]), ...rest.split(" ").filter(Boolean)];
  if (words[0] === "sweep") return words.includes("--dry-run") ? words : [...words, "--dry-run"];
  if (words[0] === "doctor") return ["doctor", "--help"];
  const tests = Object.keys({ SEAT6: 0, SEAT7: 0, SEAT8: 0 }).map(
    (name) => `datamodule.datafiles.${name}=my/tests/career-family.jsonl`,
  );
  const own = {
    plaintext: "corpus.txt",
    attributes_female: "words/female.txt",
    attributes_male: "words/male.txt",
    targets_stereotypes: "words/stereotype.txt",
  };
  const files = Object.entries(own).map(([name, file]) => `datamodule.datafiles.${name}=my/${file}`);
  const short = [
    "datamodule.batch_size=8",
    "datamodule.validation_size=10",
    "trainer.max_steps=2",
    "trainer.limit_train_batches=2",
  ];
  if (words[0] === "train") return [...words, ...tests, ...files, ...short];
  if (words[0] === "data")
    return [...words, ...tests, ...files.filter((file) => !words.some((word) => word.startsWith(file.split("=")[0]!)))];
  if (words[0] === "bias") return [...words, ...tests];
  return words;
}

/** A command that goes on until it is stopped, which it is after what it says first. */
function watched(words: readonly string[], root: string): Promise<{ code: number; stderr: string }> {
  const child = spawn(process.execPath, [join(root, "packages/cli/src/main.ts"), ...words], { cwd: root });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    child.kill("SIGTERM");
  });
  const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(late);
      resolve({ code: code ?? 1, stderr });
    });
  });
}

/** Which of the pages' JSON blocks is the sweep that they call `mine`. */
function firstMine(): number {
  return pages.flatMap((page) => blocks(page, "json")).findIndex((block) => block.includes("my/corpus.txt"));
}
