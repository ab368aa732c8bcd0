import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { hashFile } from "@pruning-bias/files";
import { type DebiasData, download, isUrl, loadTokenizer } from "@pruning-bias/data";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { downloads, loadSeatTests, loadSentences, modelFolder, modelName, within } from "./inputs.ts";

/** What a run reads, by its contents. */
export interface Inputs {
  /** Of corpus, word lists and tokenizer. */
  readonly sentences: string;
  /** SHA-256 of each bias test, and of other local files among `datamodule.datafiles`, gender words among them. */
  readonly tests: Readonly<Record<string, string>>;
  /** SHA-256 of each file of the model. */
  readonly model: Readonly<Record<string, string>>;
}

/** Prepares what runs read and leaves `inputs.json`, by which Nx knows whether it has changed. */
export async function runData(config: Config, out: string, context: Context): Promise<Inputs> {
  const sentences = basename((await prepare(config, context)).dir);
  const { root } = context;
  const { seat_data: seat, datafiles } = config.datamodule;
  const others = Object.entries(datafiles).filter(
    ([name, place]) => !inSentences.has(name) && !isUrl(place) && existsSync(within(root, place)),
  );
  const tests: Record<string, string> = {};
  for (const [name, place] of [...others, ...Object.entries(seat)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const path = isUrl(place) ? await download({ url: place, ...downloads(config, context) }) : within(root, place);
    tests[name] = await hashFile(path, "a bias test");
  }
  const folder = await modelFolder(modelName(config), context);
  const model: Record<string, string> = {};
  for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.isDirectory())) {
    if (modelFile.test(name)) model[name] = await hashFile(join(folder, name), "a file of a model");
  }
  const inputs = { sentences, tests, model };
  await writeJson(join(out, "inputs.json"), inputs);
  return inputs;
}

// Of gender words the order counts too: they are swapped by line.
const inSentences = new Set(["plaintext", "targets_stereotypes"]);

const modelFile = /\.(json|safetensors|txt)$/;

/** Prepares what a run reads: sentences of the three classes and the bias tests. */
export async function prepare(config: Config, context: Context): Promise<DebiasData> {
  const { log } = context;
  const tokenizer = await loadTokenizer(await modelFolder(modelName(config), context));
  const data = await loadSentences(config, tokenizer, context);
  const { male, female, stereotype, counts, dir } = data;
  for (const [name, { train, validation }] of Object.entries({ male, female, stereotype })) {
    log(`${name}: ${train.length} sentences to train on, ${validation.length} to validate`);
  }
  log(`${counts.lines} lines in ${dir}`);
  const tests = await loadSeatTests(config, context);
  log(`bias tests: ${tests.map(({ name }) => name).join(", ")}`);
  return data;
}
