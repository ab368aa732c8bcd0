import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ndarray, readSafetensors, writeSafetensors, zeros } from "@pruning-bias/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import { parseConfig } from "./config.ts";
import { initWeights } from "./init.ts";
import { modelCard } from "./model-card.ts";

const config = parseConfig({
  model_type: "bert",
  architectures: ["BertForMaskedLM"],
  torch_dtype: "float16",
  vocab_size: 30,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 16,
  max_position_embeddings: 10,
});
const maskedLm: Checkpoint = { config, weights: initWeights(config, { seed: 1, head: "masked-lm" }) };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "checkpoint-"));
});
afterAll(() => rm(root, { recursive: true }));
const folder = (): Promise<string> => mkdtemp(join(root, "model-"));

const stored = async (dir: string) => (await readSafetensors(join(dir, "model.safetensors"))).tensors;
const storedConfig = async (dir: string) => JSON.parse(await readFile(join(dir, "config.json"), "utf8"));

describe("saveCheckpoint", () => {
  it("writes what loadCheckpoint reads", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const { weights, dir: from } = await loadCheckpoint(dir);
    expect(from).toBe(dir);
    expect(weights).toStrictEqual(maskedLm.weights);
    expect(Object.keys(weights)).toStrictEqual(Object.keys(maskedLm.weights));
  });

  it("names tensors and the class as Hugging Face does", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    expect(Object.keys(await stored(dir))).toContain("bert.encoder.layer.0.output.dense.weight");
    expect(Object.keys(await stored(dir))).toContain("cls.predictions.transform.dense.bias");
    expect(await storedConfig(dir)).toMatchObject({ architectures: ["BertForMaskedLM"], dtype: "float32" });
    expect(await storedConfig(dir)).not.toHaveProperty("torch_dtype");

    await saveCheckpoint(dir, { config, weights: initWeights(config, { seed: 1 }) }); // the head is gone
    expect(Object.keys(await stored(dir))).toContain("encoder.layer.0.output.dense.weight");
    expect(Object.keys(await stored(dir))).toContain("pooler.dense.bias");
    expect(await storedConfig(dir)).toMatchObject({ architectures: ["BertModel"] });

    await saveCheckpoint(dir, { config, weights: initWeights(config, { seed: 1, head: "classification" }) });
    expect(Object.keys(await stored(dir))).toContain("bert.pooler.dense.bias");
    expect(await storedConfig(dir)).toMatchObject({ architectures: ["BertForSequenceClassification"] });
  });

  it("copies the tokenizer and leaves no temporary files", async () => {
    const [from, to] = [await folder(), await folder()];
    await writeFile(join(from, "vocab.txt"), "[PAD]\n");
    await writeFile(join(from, "notes.md"), "");
    await saveCheckpoint(to, maskedLm, { tokenizerFrom: from });
    expect((await readdir(to)).toSorted()).toStrictEqual(["config.json", "model.safetensors", "vocab.txt"]);
  });
});

describe("saveCheckpoint, as asked for", () => {
  it.each([
    ["float16", "F16"],
    ["bfloat16", "BF16"],
  ] as const)("writes %s, which is read again as float32 and saved as it was", async (dtype, type) => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm, { dtype });
    const tensors = await stored(dir);
    expect(new Set(Object.values(tensors).map((tensor) => tensor.dtype))).toStrictEqual(new Set([type]));
    expect(await storedConfig(dir)).toMatchObject({ dtype });
    const again = await loadCheckpoint(dir);
    expect(again.dtype).toBe(dtype);
    const [name] = Object.keys(maskedLm.weights) as [string];
    const error = again.weights[name]!.data.map((value, i) => Math.abs(value - maskedLm.weights[name]!.data[i]!));
    expect(Math.max(...error)).toBeLessThan(1e-3);
    await saveCheckpoint(dir, again);
    expect(await stored(dir)).toStrictEqual(tensors);
  });

  it("writes a card and an ONNX model", async () => {
    const dir = await folder();
    const made = ["Drawn from the seed 1."];
    const card = modelCard({ name: "tiny", checkpoint: maskedLm, baseModel: "org/base", made, settings: { seed: 1 }, onnx: true }); // prettier-ignore
    await saveCheckpoint(dir, maskedLm, { card, onnx: true });
    expect((await readdir(dir)).toSorted()).toStrictEqual(["README.md", "config.json", "model.safetensors", "onnx"]);
    expect(await readdir(join(dir, "onnx"))).toStrictEqual(["model.onnx"]);
    const text = await readFile(join(dir, "README.md"), "utf8");
    expect(text).toMatch(/^---\nlibrary_name: transformers\npipeline_tag: fill-mask\nbase_model: org\/base\ntags:\n/);
    expect(text).toContain("- Drawn from the seed 1.");
    expect(text).toContain('"seed": 1');
    expect(text).toContain('AutoModelForMaskedLM.from_pretrained("tiny")');
    expect(modelCard({ name: "tiny", checkpoint: maskedLm, baseModel: "/home/me/base", made })).not.toContain(
      "base_model",
    );
  });
});

describe("loadCheckpoint", () => {
  it("reads shards, and names what one lacks", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const tensors = Object.entries(await stored(dir));
    const path = join(dir, "model.safetensors");
    const halves = [tensors.slice(0, 10), tensors.slice(10)].map((half) => Object.fromEntries(half));
    const file = (half: number) => `model-0000${half + 1}-of-00002.safetensors`;
    await Promise.all(halves.map((half, i) => writeSafetensors(join(dir, file(i)), half)));
    const places = halves.flatMap((half, i) => Object.keys(half).map((name) => [name, file(i)] as const));
    await writeFile(`${path}.index.json`, JSON.stringify({ weight_map: Object.fromEntries(places) }));
    await rm(path);
    expect((await loadCheckpoint(dir)).weights).toStrictEqual(maskedLm.weights);
    const [first] = Object.keys(halves[1]!) as [string];
    const { [first]: _, ...rest } = halves[1]!;
    await writeSafetensors(join(dir, file(1)), rest);
    await expect(loadCheckpoint(dir)).rejects.toThrow(`${file(1)}: expected ${first}, as the index says, found none`);
    await writeFile(`${path}.index.json`, "{}");
    await expect(loadCheckpoint(dir)).rejects.toThrow("model.safetensors.index.json: expected an index of safetensors");
  });

  it("names the tensors that it has no use for", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const other = { "qa_outputs.bias": zeros([2]), "bert.embeddings.position_ids": zeros([10]) };
    await writeSafetensors(join(dir, "model.safetensors"), { ...(await stored(dir)), ...other });
    expect((await loadCheckpoint(dir)).ignored).toStrictEqual(["qa_outputs.bias"]);
  });

  it("takes a decoder's bias for the language model's", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const { "cls.predictions.bias": bias, ...rest } = await stored(dir);
    await writeSafetensors(join(dir, "model.safetensors"), { ...rest, "cls.predictions.decoder.bias": bias! });
    expect((await loadCheckpoint(dir)).weights).toStrictEqual(maskedLm.weights);
  });

  it("takes names with and without prefix, gamma and beta, and leaves out what is no parameter", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const tensors = Object.entries(await stored(dir)).map(([name, tensor]) => {
      const legacy = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
      return [legacy.replace(/^bert\.(?=encoder)/, ""), tensor] as const;
    });
    const stray = {
      "bert.embeddings.position_ids": { dtype: "I64", shape: [1, 1], data: BigInt64Array.of(0n) } as const,
      "cls.predictions.decoder.bias": zeros([30]),
    };
    await writeSafetensors(join(dir, "model.safetensors"), { ...Object.fromEntries(tensors), ...stray });
    const { weights } = await loadCheckpoint(dir);
    expect(Object.keys(weights)).toStrictEqual(Object.keys(maskedLm.weights));
  });

  it("reads half floats", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const half = { dtype: "F16", shape: [30], data: new Uint16Array(30).fill(0x3e00) } as const; // 1.5
    await writeSafetensors(join(dir, "model.safetensors"), { ...(await stored(dir)), "cls.predictions.bias": half });
    const { weights } = await loadCheckpoint(dir);
    expect(weights["cls.predictions.bias"]).toStrictEqual(ndarray(new Float32Array(30).fill(1.5), [30]));
  });

  it("lists missing tensors and names those of the wrong shape", async () => {
    const dir = await folder();
    await saveCheckpoint(dir, maskedLm);
    const path = join(dir, "model.safetensors");
    const {
      "bert.embeddings.LayerNorm.bias": _,
      "cls.predictions.transform.dense.weight": __,
      ...rest
    } = await stored(dir);
    await writeSafetensors(path, rest);
    await expect(loadCheckpoint(dir)).rejects.toThrow(
      `${path}: expected 26 tensors, missing embeddings.LayerNorm.bias, cls.predictions.transform.dense.weight`,
    );
    await saveCheckpoint(dir, {
      ...maskedLm,
      weights: { ...maskedLm.weights, "embeddings.LayerNorm.bias": zeros([9]) },
    });
    await expect(loadCheckpoint(dir)).rejects.toThrow(
      `${path}: embeddings.LayerNorm.bias: expected shape [8], got [9]`,
    );
  });

  it("names the file that is missing, cut short, or of another format", async () => {
    const dir = await folder();
    await expect(loadCheckpoint(dir)).rejects.toThrow(`${join(dir, "config.json")}: no such file`);
    await saveCheckpoint(dir, maskedLm);
    const path = join(dir, "model.safetensors");
    const whole = await readFile(path);
    for (const size of [5, 100, whole.length - 7]) {
      await writeFile(path, whole);
      await truncate(path, size);
      await expect(loadCheckpoint(dir)).rejects.toThrow(`${path}: `);
    }
    await copyFile(path, join(dir, "pytorch_model.bin"));
    await rm(path);
    await expect(loadCheckpoint(dir)).rejects.toThrow("only pytorch_model.bin: convert it in Python with transformers");
    await rm(join(dir, "pytorch_model.bin"));
    await expect(loadCheckpoint(dir)).rejects.toThrow(`${path}: no such file`);
    await writeFile(join(dir, "config.json"), '{"model_type": "be');
    await expect(loadCheckpoint(dir)).rejects.toThrow(`${join(dir, "config.json")}: expected JSON`);
  });
});
