import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { examples } from "../packages/cli/src/help.ts";
import { generated } from "../packages/cli/src/reference/index.ts";
import type { Cost } from "../packages/cli/src/sweep/cost.ts";
import { readSweepFile } from "../packages/cli/src/sweep/index.ts";
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
/** Pages beside the docs whose commands are users' own. */
const others = ["../README.md", "../packages/cli/README.md"];
/** Commands of a block: a line each, but where one goes on in the next; what stands behind them is for people. */
const lines = (block: string) =>
  block
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""));
const commands = [...others, ...pages].flatMap((page) =>
  blocks(page, "sh").flatMap((block) => lines(block).map((line) => [page, line] as const)),
);

let root: string;

describe("the docs", () => {
  beforeAll(async () => {
    root = await copyOfWorkspace();
    const { dir, model } = await smallModel();
    // What the pages call `my/…`.
    await cp(model, join(root, "my/model"), { recursive: true });
    await cp(join(dir, "data/corpus.txt"), join(root, "my/corpus.txt"));
    await cp(join(dir, "data/words"), join(root, "my/words"), { recursive: true });
    await cp(join(dir, "data/seat/demo-career-family.jsonl"), join(root, "my/tests/career-family.jsonl"));
    const write = async (name: string, text: string, more: readonly string[] = []) => {
      const file = join(root, `experiments/${name}/sweep.json`);
      await mkdir(dirname(file), { recursive: true });
      const sweep = JSON.parse(text) as { base: string[] };
      await writeFile(file, JSON.stringify({ ...sweep, base: [...sweep.base, ...more] }));
    };
    await write("demo", readFileSync(join(workspace, "experiments/demo/sweep.json"), "utf8"), [...tiny, ...short]);
    for (const [i, block] of pages.flatMap((page) => blocks(page, "json")).entries()) {
      await (i === firstMine() ? write("mine", block, [...files, ...tests, ...short]) : write(`page-${i}`, block));
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
      expect(code, stderr).toBe(0);
    },
    240_000,
  );

  it("have run the demo and a sweep of one's own, as their lines say, and the second time nothing of it", async () => {
    for (const name of ["demo", "mine"]) {
      const { stderr, code } = await run(["sweep", `name=${name}`, "--json"], { root });
      expect(code).toBe(0);
      const [, hits, all] = /Cache:\s+(\d+)\/(\d+) hit/.exec(stripVTControlCharacters(stderr))!;
      expect([name, hits]).toEqual([name, all]);
      expect(existsSync(join(root, `runs/${name}/report.html`))).toBe(true);
    }
    expect(readFileSync(join(root, "runs/demo/results.csv"), "utf8").trim().split("\n")).toHaveLength(1 + 1 + 4);
  }, 60_000);

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
  const own: Readonly<Record<string, string>> = {
    "FOLDER/scores.safetensors": "runs/mine/scores.safetensors",
    FOLDER: "my/model",
    // The tutorial's run of another model lies there.
    "runs/mine": "runs/helped",
    "bert-base-uncased": "my/model",
    "datamodule.datafiles.plaintext=corpus.txt.gz": "datamodule.datafiles.plaintext=my/corpus.txt",
  };
  it.each(lines)(
    "of %s: %s",
    async (command, line) => {
      expect(line.split(" ")[0]).toBe(command);
      const named = line.replace(/ >> .*$/, "").split(" ");
      const words = toRun(["pnpm pruning-bias", ...named.map((word) => own[word] ?? word)].join(" "))!;
      const { code, stderr } = words.includes("--watch") ? await watched(words, root) : await run(words, { root });
      expect(code, stderr).toBe(0);
    },
    240_000,
  );
});

describe("commands within text", () => {
  const readmes = readdirSync(join(workspace, "packages")).map((name) => `../packages/${name}/README.md`);
  const all = [...pages, ...others, "../CONTRIBUTING.md", ...readmes];
  const inline = [...new Set(all)].flatMap((page) => {
    const prose = textOf(page).replaceAll(/^```[\s\S]*?^```/gm, "");
    return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => [page, code!.replaceAll("\\|", "|")] as const);
  });

  it("name commands and options that there are", () => {
    const reference = textOf("reference/commands.md");
    const sections = reference.split(/^## /m).slice(1);
    const known = new Map(
      sections.map((text) => [/^`(\w+)`/.exec(text)![1]!, new Set(text.match(/--[a-z][\w-]*/g))] as const),
    );
    const wrong = inline.flatMap(([page, code]) => {
      const [, command, rest = ""] = /^(?:pnpm )?pruning-bias ([a-z]+)(.*)$/.exec(code) ?? [];
      if (command === undefined) return [];
      const options = known.get(command);
      const strange = (rest.match(/--[a-z][\w-]*/g) ?? []).filter((option) => !options?.has(option));
      return options === undefined || strange.length > 0 ? [`${page}: ${code}`] : [];
    });
    expect(wrong).toEqual([]);
    expect(inline.filter(([, code]) => code.includes("pruning-bias ")).length).toBeGreaterThan(10);
  });

  it("name scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")) as { scripts: object };
    const own = new Set([...Object.keys(scripts), "install", "nx", "vitest", "changeset"]);
    const blocksToo = all.flatMap((page) =>
      blocks(page, "sh").flatMap((block) => lines(block).map((line) => [page, line])),
    );
    const wrong = [...inline, ...blocksToo].flatMap(([page, code]) => {
      const [, script] =
        /^(?:npx )?pnpm(?:@[\d.]+)? (?:--silent )?([a-z][\w:-]*)/.exec(code!) ?? /^npm run (\S+)/.exec(code!) ?? [];
      return script === undefined || own.has(script) ? [] : [`${page}: ${code}`];
    });
    expect(wrong).toEqual([]);
  });
});

/** A line of the pages as words for the command line: runs are short, sweeps of the paper listed, the hub's models ours. */
function toRun(line: string): string[] | undefined {
  // What it installs first is there.
  if (line === "npm run sweep") return ["sweep"];
  const [, file] = /^npm test -- (\S+\.test\.ts)$/.exec(line) ?? [];
  // Runs where it stands, among the tests of this file's own run.
  if (file !== undefined && existsSync(join(workspace, file))) return undefined;
  const [, sweep, rest] = /^pnpm (?:--silent )?(?:(nx run cli:sweep(?: --)?)|pruning-bias) ?(.*)$/.exec(line) ?? [];
  if (rest === undefined) throw new Error(`${line}: expected a command of pruning-bias`);
  const words = [...(sweep === undefined ? [] : ["sweep"]), ...rest.split(" ").filter(Boolean)];
  if (words[0] === "sweep") {
    // The demo and what the pages call mine are small here; a sweep of the paper takes days.
    const small = words.length === 1 || words.includes("name=mine") || words.includes("name=demo");
    if (small || words.includes("--dry-run")) return words;
    return words.includes("experiment=demo") ? [...words, ...tiny, ...short] : [...words, "--dry-run"];
  }
  if (words[0] === "train" && words.includes("experiment=demo")) return [...words, ...tiny, ...short];
  const model = words.some((word) => word.startsWith("model.model_name=")) ? [] : ["model.model_name=my/model"];
  if (words[0] === "train") return [...words, ...model, ...tests, ...files, ...short];
  if (words[0] === "data") {
    const given = new Set(words.map((word) => word.split("=")[0]));
    return [...words, ...model, ...tests, ...files.filter((file) => !given.has(file.split("=")[0]))];
  }
  if (words[0] === "bias") return [...words, ...tests];
  return words;
}

/** Settings under which everything takes seconds. */
const short = [
  ...["datamodule.batch_size=8", "datamodule.validation_size=10", "datamodule.static_sentences=20"],
  ...["trainer.max_steps=2", "trainer.limit_train_batches=2", "trainer.limit_val_sentences=10"],
  ...["finetune.epochs=1", "finetune.batch_size=8", "finetune.limit_train=16", "finetune.limit_validation=16"],
];
/** The demo's model of one layer, hardly trained. */
const tiny = [
  ...["hidden_size=16", "num_hidden_layers=1", "num_attention_heads=2", "intermediate_size=32"],
  ...["sentences=2500", "steps=2"],
].map((setting) => `pretrain.${setting}`);
const tests = ["SEAT6", "SEAT7", "SEAT8"].map((name) => `datamodule.datafiles.${name}=my/tests/career-family.jsonl`);
const files = Object.entries({
  plaintext: "corpus.txt",
  attributes_female: "words/female.txt",
  attributes_male: "words/male.txt",
  targets_stereotypes: "words/stereotype.txt",
}).map(([name, file]) => `datamodule.datafiles.${name}=my/${file}`);

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
