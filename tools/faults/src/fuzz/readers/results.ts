import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compose, readSweep, report } from "@pruning-bias/cli";
import { appendRows, checkHeader } from "../../../../../packages/cli/src/bias/append.ts";
import { newCheckpoints, resumeFrom } from "../../../../../packages/cli/src/commands/checkpoints.ts";
import { exportModel } from "../../../../../packages/cli/src/commands/export.ts";
import { standing } from "../../../../../packages/cli/src/commands/watch.ts";
import { modelShape } from "../../../../../packages/cli/src/sweep/model-shape.ts";
import { initWeights, parseConfig, saveCheckpoint } from "@pruning-bias/model";
import { writeTrainingState } from "@pruning-bias/training";
import { mutateBytes } from "../bytes.ts";
import { mutateJson } from "../json.ts";
import { mutateLines } from "../lines.ts";
import type { Random } from "../random.ts";
import type { Reader } from "../reader.ts";
import { fileCase } from "./file.ts";

const { config } = compose(["experiment=debias_head_pruning_frozen"]);

const validation = (step: number) => ({
  ...{ kind: "validation", step, loss: 1 / (step + 1), lossDebias: 0.5, lossKeep: 0.25, threshold: 0.1 },
  ...{ open: 30, closed: 6, undecided: 2, seat: { SEAT6: 1.2, SEAT7: 0.3 }, current: { threshold: 0.05, open: 31 } },
});

/** What a point leaves, as small as it can be. */
const results: Readonly<Record<string, unknown>> = {
  "config.json": config,
  "masks.json": {
    threshold: 0.1,
    modules: [
      { name: "encoder.layer.0.attention.self.value", layer: 0, open: 3, total: 4, grid: [4, 1], mask: "4A==" },
      { name: "encoder.layer.1.attention.self.value", layer: 1, open: 2, total: 4, grid: [4, 1], mask: "wA==" },
    ],
    heads: [
      [1, 0.5],
      [0, 1],
    ],
    ...{ headsOpen: 3, headsTotal: 4, undecided: 1, scores: 8 },
  },
  "bias.json": {
    protocol: "cls",
    tests: [{ test: "SEAT6", effectSize: 1.1, p: 0.01, pKind: "exact" }],
    stereoset: { protocol: "bias-bench", rates: { overall: { ss: 60, lm: 84, icat: 67 } } },
    crows: { protocol: "bias-bench", metric: 57, p: 0.03 },
    probe: { gapMale: 0.8, gapFemale: -0.7, maskedLmLoss: 0.9 },
  },
  "glue/cola.json": {
    ...{ task: "cola", seed: 42, epochs: 3, seconds: 60 },
    ...{ metrics: { matthews_correlation: 0.4 }, majority: { matthews_correlation: 0 } },
  },
  "summary.json": { steps: 10, seconds: 5, tokens: 1000, tokensPerSecond: 200 },
};
const rows = [validation(0), { kind: "step", step: 1, loss: 0.5 }, validation(5), validation(10)];
const metrics = rows.map((row) => JSON.stringify(row)).join("\n");

function mutateResult(file: string, random: Random): Buffer {
  if (file !== "metrics.jsonl") return mutateJson(results[file], random);
  if (random.chance(0.5)) return mutateLines(metrics, random);
  const row = random.below(rows.length);
  return Buffer.from(
    rows.map((own, at) => (at === row ? mutateJson(own, random).toString() : JSON.stringify(own))).join("\n"),
  );
}

async function writeResults(folder: string): Promise<void> {
  for (const [file, value] of Object.entries(results)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), JSON.stringify(value));
  }
  await writeFile(join(folder, "metrics.jsonl"), metrics);
}

const contextIn = (root: string) => ({
  ...{ root, log: () => {}, progress: () => {}, machine: { native: [] }, fetch: globalThis.fetch },
  hub: { endpoint: "http://127.0.0.1:1", cacheDir: join(root, "hub"), offline: true },
});

export const runs: readonly Reader[] = [
  {
    name: "results that a report reads",
    async prepare(folder) {
      const point = join(folder, "sweep", "seed=1");
      for (const name of ["baseline", "seed=1", "seed=2"]) await writeResults(join(folder, "sweep", name));
      const files = [...Object.keys(results), "metrics.jsonl"];
      return async (random) => {
        await writeResults(point);
        const file = random.pick(files);
        const path = join(point, file);
        return fileCase(path, mutateResult(file, random), async () => {
          const { html, csv, tex } = await report(await readSweep(folder, "sweep", ["seed=1", "seed=2"]));
          if (/<script>(?!\n?.*const)/.test(html.replace(/<script>[\s\S]*?<\/script>/, "")))
            throw new TypeError("a script of the data's in the report");
          if (/(^|,)"?[=@\t]/m.test(csv)) throw new TypeError("a formula in results.csv");
          if (/\p{Cc}/u.test(tex.replaceAll("\n", ""))) throw new TypeError("control characters in results.tex");
        });
      };
    },
  },
  {
    name: "metrics that still grow",
    async prepare(folder) {
      const path = join(folder, "metrics.jsonl.part");
      return (random) =>
        fileCase(path, Buffer.concat([mutateResult("metrics.jsonl", random), Buffer.from("\n")]), () =>
          standing(folder, "metrics.jsonl.part"),
        );
    },
  },
  {
    name: "bias.csv that rows are appended to",
    async prepare(folder) {
      const path = join(folder, "bias.csv");
      const header = "SEAT6,SEAT7,SEAT8,model\r\n";
      return (random) =>
        fileCase(path, mutateBytes(Buffer.from(`${header}1,2,3,a\r\n`), random), async () => {
          await checkHeader(path, header);
          await appendRows(path, header, "4,5,6,b\r\n");
        });
    },
  },
  {
    name: "settings beside checkpoints",
    async prepare(folder) {
      await newCheckpoints(config, folder);
      const empty = { parameters: {}, m: {}, v: {}, updates: 0 };
      await writeTrainingState(join(folder, "checkpoints"), { step: 1, optimizer: empty, arrays: {}, values: {} });
      const path = join(folder, "checkpoints", "settings.json");
      return async (random) => ({
        ...(await fileCase(path, mutateJson(config, random), () => resumeFrom(config, folder, contextIn(folder)))),
        places: ["--resume", path],
      });
    },
  },
  {
    name: "a run's folder that is exported",
    async prepare(folder) {
      const run = join(folder, "run");
      await writeResults(run);
      const sizes = {
        vocab_size: 11,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 4,
      };
      const small = parseConfig({ model_type: "bert", max_position_embeddings: 8, ...sizes });
      await saveCheckpoint(join(run, "model"), { config: small, weights: initWeights(small, { seed: 1 }) });
      return async (random) => {
        await writeResults(run);
        const file = random.pick(["config.json", "summary.json"]);
        const written = await fileCase(join(run, file), mutateResult(file, random), () =>
          exportModel({ model: run, to: join(folder, "exported"), onnx: false }, contextIn(folder)),
        );
        return { ...written, places: [join(run, file)] };
      };
    },
  },
  {
    name: "sizes of a model for a dry run",
    async prepare(folder) {
      const path = join(folder, "config.json");
      const sizes = {
        model_type: "bert",
        vocab_size: 11,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
      };
      const { config: own } = compose([`model.model_name=${folder}`]);
      return (random) =>
        fileCase(path, mutateJson({ ...sizes, intermediate_size: 4 }, random), async () =>
          modelShape(own, folder, folder),
        );
    },
  },
];
