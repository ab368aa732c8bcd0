import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readProjection, writeProjection } from "@pruning-bias/debias/projections";
import { initWeights, loadCheckpoint, parseConfig, saveCheckpoint } from "@pruning-bias/model";
import {
  fromNnPruning,
  hostMasks,
  initialScores,
  readPruned,
  readScores,
  readScoreSettings,
  scoreLayout,
  writeScores,
} from "@pruning-bias/pruning";
import { readSafetensors, writeSafetensors } from "@pruning-bias/runtime";
import { newestTrainingState, readTrainingState, writeTrainingState } from "@pruning-bias/training";
import { checkModel, writeSums } from "../../../../../packages/cli/src/commands/sums.ts";
import { mutateBytes } from "../bytes.ts";
import { mutateJson } from "../json.ts";
import { mutateLines } from "../lines.ts";
import type { Random } from "../random.ts";
import type { Reader } from "../reader.ts";
import { fileCase } from "./file.ts";

const config = parseConfig({
  ...{ model_type: "bert", vocab_size: 11, hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 16, max_position_embeddings: 12, architectures: ["BertModel"] },
});

const tensors = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `layer.${i}`,
      { dtype: "float32", shape: [2, 3], data: Float32Array.from({ length: 6 }, (__, k) => i + k) } as const,
    ]),
  );

async function model(folder: string): Promise<string> {
  const dir = join(folder, "model");
  await saveCheckpoint(dir, { config, weights: initWeights(config, { seed: 1 }) });
  return dir;
}

/** A safetensors file with a wrong header, a wrong body, or a header that is right and speaks of other bytes. */
function mutateSafetensors(whole: Buffer, random: Random): Buffer {
  if (random.chance(0.4)) return mutateBytes(whole, random);
  const size = Number(whole.readBigUInt64LE());
  const header = mutateJson(JSON.parse(whole.toString("utf8", 8, 8 + size)), random);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(random.chance(0.1) ? random.below(1e9) : header.length));
  return Buffer.concat([length, header, whole.subarray(8 + size)]);
}

export const models: readonly Reader[] = [
  {
    name: "config.json of a model",
    async prepare(folder) {
      const dir = await model(folder);
      const path = join(dir, "config.json");
      const whole = JSON.parse(await readFile(path, "utf8")) as unknown;
      const places = [path, join(dir, "model.safetensors")];
      return async (random) => ({
        ...(await fileCase(path, mutateJson(whole, random), () => loadCheckpoint(dir))),
        places,
      });
    },
  },
  {
    name: "model.safetensors",
    async prepare(folder) {
      const dir = await model(folder);
      const path = join(dir, "model.safetensors");
      const whole = await readFile(path);
      return (random) => fileCase(path, mutateSafetensors(whole, random), () => loadCheckpoint(dir));
    },
  },
  {
    name: "safetensors of any tensors",
    async prepare(folder) {
      const path = join(folder, "any.safetensors");
      await writeSafetensors(path, tensors(3), { format: "pt" });
      const whole = await readFile(path);
      return (random) =>
        fileCase(path, mutateSafetensors(whole, random), async () => {
          const read = await readSafetensors(path);
          for (const { shape, data } of Object.values(read.tensors)) {
            if (shape.reduce((a, b) => a * b, 1) !== data.length) throw new TypeError("a tensor of another shape");
          }
        });
    },
  },
  {
    name: "index of shards (JSON)",
    async prepare(folder) {
      const dir = await model(folder);
      const { tensors: all } = await readSafetensors(join(dir, "model.safetensors"));
      const names = Object.keys(all);
      const part = (n: number) => `model-0000${n + 1}-of-00002.safetensors`;
      await rm(join(dir, "model.safetensors"));
      for (const n of [0, 1]) {
        const own = names.filter((_, i) => i % 2 === n).map((name) => [name, all[name]!] as const);
        await writeSafetensors(join(dir, part(n)), Object.fromEntries(own));
      }
      const index = {
        metadata: { total_size: 1 },
        weight_map: Object.fromEntries(names.map((name, i) => [name, part(i % 2)])),
      };
      const path = join(dir, "model.safetensors.index.json");
      return async (random) => ({
        ...(await fileCase(path, mutateJson(index, random), () => loadCheckpoint(dir))),
        places: [dir],
      });
    },
  },
  {
    name: "pruning scores (safetensors)",
    async prepare(folder) {
      const path = join(folder, "scores.safetensors");
      const settings = fromNnPruning({ attention_block_rows: 4, attention_block_cols: 8 });
      const layout = scoreLayout(config, settings);
      await writeScores(path, layout, initialScores(layout, 1), settings);
      const whole = await readFile(path);
      return (random) =>
        fileCase(path, mutateScores(whole, random), async () => {
          await readScoreSettings(path);
          await readScores(path, layout);
          const pruned = await readPruned(path);
          hostMasks(pruned.layout, pruned.scores, pruned.threshold);
        });
    },
  },
  {
    name: "projection of the output (safetensors)",
    async prepare(folder) {
      const path = join(folder, "projection.safetensors");
      const directions = [0, 1].map((k) => Float64Array.from({ length: 8 }, (_, i) => Number(i === k)));
      await writeProjection(path, { directions }, 8);
      const whole = await readFile(path);
      return (random) =>
        fileCase(path, mutateSafetensors(whole, random), async () => {
          const read = await readProjection(path, 8);
          const right = read.directions.every((row) => row.length === 8 && row.every(Number.isFinite));
          if (!right) throw new TypeError("directions of another width, or that are no numbers");
        });
    },
  },
  {
    name: "digests beside files (sha256)",
    async prepare(folder) {
      const dir = await model(folder);
      await writeFile(join(dir, "tokenizer.json"), "{}");
      const path = join(dir, "SHA256SUMS");
      await writeSums(path, ["config.json", "tokenizer.json", "model.safetensors"]);
      const text = await readFile(path, "utf8");
      const outside = ["/dev/zero", "/dev/full", "/etc/hostname", "."].map((name) => `${"../".repeat(40)}${name}`);
      return (random) => {
        const names = [...outside, "..", ".", "", "config.json/x", "__proto__", "a\u0000b", "x".repeat(5000)];
        const added = random.chance(0.3) ? `${text}${"0".repeat(64)}  ${random.pick(names)}\n` : text;
        return fileCase(path, mutateLines(added, random), () => checkModel(dir)).then((written) => ({
          ...written,
          places: [dir],
        }));
      };
    },
  },
  {
    name: "checkpoint of a training",
    async prepare(folder) {
      const states = join(folder, "checkpoints");
      const optimizer = { parameters: tensors(1), m: tensors(1), v: tensors(1), updates: 3 };
      const written = { optimizer, arrays: tensors(2), values: { seed: 1, losses: [0.5, 0.25] } };
      await writeTrainingState(states, { step: 10, ...written });
      const path = await writeTrainingState(states, { step: 20, ...written });
      const files = await readdir(path);
      const whole = Object.fromEntries(
        await Promise.all(files.map(async (file) => [file, await readFile(join(path, file))] as const)),
      );
      return async (random) => {
        for (const [file, bytes] of Object.entries(whole)) await fileCase(join(path, file), bytes, async () => {});
        const file = random.pick(files);
        const bytes = whole[file]!;
        const changed =
          file === "state.json" ? mutateJson(JSON.parse(bytes.toString()), random) : mutateSafetensors(bytes, random);
        const single = await fileCase(join(path, file), changed, () => readTrainingState(path));
        return {
          places: [path],
          async read() {
            // Whatever is wrong with the newest, the one before it is gone on from.
            if ((await newestTrainingState(states)) === undefined) throw new TypeError("no state, where one is whole");
            await single.read();
          },
        };
      };
    },
  },
];

/** The metadata of scores are JSON in JSON. */
function mutateScores(whole: Buffer, random: Random): Buffer {
  if (random.chance(0.5)) return mutateSafetensors(whole, random);
  const size = Number(whole.readBigUInt64LE());
  const { __metadata__: metadata, ...header } = JSON.parse(whole.toString("utf8", 8, 8 + size)) as Header;
  const key = random.pick(["pruning_settings", "encoder_sizes"]);
  const text = mutateJson(JSON.parse(metadata[key]!), random).toString();
  const changed = Buffer.from(JSON.stringify({ __metadata__: { ...metadata, [key]: text }, ...header }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(changed.length));
  return Buffer.concat([length, changed, whole.subarray(8 + size)]);
}

interface Header {
  readonly __metadata__: Readonly<Record<string, string>>;
}
