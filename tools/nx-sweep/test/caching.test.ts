import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { copyOfWorkspace } from "../../../packages/cli/test/workspace-copy.ts";

// What Nx hashes each task to, asked of Nx itself, before and after an edit; nothing is trained.
let root: string;
let inputs: string;
let before: Record<string, string>;

const sweep = {
  base: [] as string[],
  grid: { "model.embedding_layer": ["last", "all"], seed: ["1", "2"] } as Record<string, string[]>,
  glue: ["cola"],
};
const file = "experiments/s/sweep.json";

beforeAll(async () => {
  root = await copyOfWorkspace();
  inputs = await mkdtemp(join(tmpdir(), "sweep-inputs-"));
  await edit(join(inputs, "corpus.txt"), () => "he is a king.\n");
  await edit(join(inputs, "glue/cola/train.tsv"), () => "sentence\tlabel\tidx\n");
  sweep.base = [
    "experiment=head_pruning_frozen",
    `datamodule.datafiles.plaintext=${join(inputs, "corpus.txt")}`,
    `datamodule.glue_data=${join(inputs, "glue")}`,
  ];
  await write(sweep);
  await edit(join(root, "experiments/other/sweep.json"), () => JSON.stringify({ base: ["seed=1"], grid: {} }));
  before = await hashes();
}, 120_000);

const write = (value: object) => edit(join(root, file), () => JSON.stringify(value));
const base = (...more: string[]) => write({ ...sweep, base: [...sweep.base, ...more] });
const grid = (values: Record<string, string[]>) => write({ ...sweep, grid: { ...sweep.grid, ...values } });
const source = (path: string, change: (text: string) => string) => edit(join(root, path), change);
const comment = (text: string) => `${text}\n// A comment.\n`;

describe("an edit that changes no result runs nothing again", () => {
  it("comments in code that is not run, READMEs, tests, help, linters, other sweeps, other files", async () => {
    const undo = [
      await source("packages/runtime/README.md", comment),
      await source("packages/debias/src/loss.test.ts", comment),
      await source("packages/cli/src/main.ts", (text) => text.replace("run one point", "run a point")),
      await source("packages/cli/src/sweep/run-sweep.ts", comment),
      await source("tools/nx-sweep/src/plugin.ts", comment),
      await source("tools/oracle/src/index.ts", comment),
      await source("package.json", (text) => text.replace(/"oxlint": ".*?"/, '"oxlint": "99.0.0"')),
      await source("pnpm-lock.yaml", (text) => upgrade(text.replaceAll("oxlint@1", "oxlint@99"), "oxlint")),
      await source("experiments/other/sweep.json", () => JSON.stringify({ base: ["seed=2"], grid: {} })),
      await edit(join(inputs, "notes.txt"), () => "x"),
    ];
    const found = changed(await hashes());
    for (const restore of undo.toReversed()) await restore();
    expect(found).toEqual([]);
  }, 120_000);
});

describe("an edit runs again what it changes, and nothing else", () => {
  const all = ["bias", "data", "glue-cola-42", "train"];
  it.each<[what: string, rerun: string[], edit: () => Promise<() => Promise<void>>]>([
    ["the learning rate", ["bias", "glue-cola-42", "report", "train"], () => base("model.learning_rate=1e-4")],
    ["the batch size", ["bias", "glue-cola-42", "report", "train"], () => base("datamodule.batch_size=64")],
    [
      "the seed of what is measured of the untouched model",
      ["baseline:bias", "baseline:glue-cola-42", "report"],
      () => base("seed=7"),
    ],
    [
      "GLUE's learning rate",
      ["baseline:glue-cola-42", "glue-cola-42", "report"],
      () => base("finetune.learning_rate=1e-4"),
    ],
    ["the corpus", ["data"], () => edit(join(inputs, "corpus.txt"), (text) => `${text}she is a queen.\n`)],
    [
      "a GLUE file",
      ["baseline:glue-cola-42", "glue-cola-42"],
      () => edit(join(inputs, "glue/cola/train.tsv"), comment),
    ],
    ["the loss", ["train"], () => source("packages/debias/src/loss.ts", comment)],
    [
      "a tensor function",
      [...all, "baseline:bias", "baseline:glue-cola-42"],
      () => source("packages/runtime/src/index.ts", comment),
    ],
    [
      "GLUE's code",
      ["baseline:glue-cola-42", "glue-cola-42"],
      () => source("packages/eval-glue/src/index.ts", comment),
    ],
    ["SEAT's code", ["baseline:bias", "bias", "train"], () => source("packages/eval-bias/src/seat.ts", comment)],
    ["a preset", ["report"], () => source("packages/cli/src/presets/demo.ts", comment)],
    ["the report's code", ["report"], () => source("packages/cli/src/report/style.ts", comment)],
    [
      "onnxruntime",
      [...all, "baseline:bias", "baseline:glue-cola-42"],
      () => source("pnpm-lock.yaml", (text) => upgrade(text, "onnxruntime-node")),
    ],
    ["a value added to the grid, in front", ["report"], () => grid({ seed: ["3", "1", "2"] })],
    [
      "a value removed, the others in another order",
      ["report"],
      () => grid({ seed: ["2"], "model.embedding_layer": ["all", "last"] }),
    ],
    ["another seed in the grid", ["report"], () => grid({ seed: ["1", "3"] })],
    ["where bias sits, asked for", ["report"], () => write({ ...sweep, where: true })],
    ["a GLUE task added", ["report"], () => write({ ...sweep, glue: ["rte", "cola"] })],
    ["a GLUE seed added", ["report"], () => write({ ...sweep, glueSeeds: [42, 43] })],
  ])(
    "%s: %j",
    async (_, rerun, change) => {
      const restore = await change();
      const found = changed(await hashes());
      await restore();
      expect(found).toEqual(rerun.toSorted());
    },
    60_000,
  );

  it("contents of data that changed run again what reads them", async () => {
    // What the task `data` leaves of them is all that the others hash.
    const [, task] = Object.keys(before)
      .find((name) => name.endsWith(":data"))!
      .match(/^(.*):data$/)!;
    const restore = await edit(join(root, "runs", task!, "inputs.json"), () => '{"sentences":"other"}');
    const found = changed(await hashes());
    await restore();
    expect(found).toEqual(["baseline:bias", "baseline:glue-cola-42", "bias", "glue-cola-42", "train"]);
  }, 60_000);
});

/** The targets of tasks that are in both and have another hash now, the untouched model's apart. */
function changed(after: Record<string, string>): string[] {
  const tasks = Object.keys(before).filter((task) => task in after && after[task] !== before[task]);
  const kinds = tasks.map((task) => task.replace(/^.*:/, task.includes("/baseline/") ? "baseline:" : ""));
  return [...new Set(kinds)].toSorted();
}

async function hashes(): Promise<Record<string, string>> {
  const script = join(root, "tools/nx-sweep/test/task-hashes.ts");
  const inherited = Object.entries(process.env).filter(([key]) => !/^(NX_|VITEST)/.test(key));
  const env = { ...Object.fromEntries(inherited), NX_DAEMON: "false" };
  const { stdout } = await promisify(execFile)(process.execPath, [script, "s"], { cwd: root, env, maxBuffer: 1e8 });
  return JSON.parse(stdout) as Record<string, string>;
}

/** Another version of a package in the lock file: Nx goes by the digest of its contents. */
const upgrade = (lock: string, name: string): string =>
  lock.replace(new RegExp(`(\\n  ${name}@.*:\\n    resolution: \\{integrity: sha512-)....`), "$1AAAA");

/** Changes a file, or makes it; returns how to undo that. */
async function edit(path: string, change: (text: string) => string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const text = await readFile(path, "utf8").catch(() => "");
  await writeFile(path, change(text));
  return () => writeFile(path, text);
}
