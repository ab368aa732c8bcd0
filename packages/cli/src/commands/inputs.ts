import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import {
  corpusTexts,
  type DebiasData,
  downloadTest,
  genderSwap,
  isUrl,
  loadTokenizer,
  prepareCorpus,
  readSeat,
  readWordPairs,
  type SeatTest,
  type Swap,
  type Tokenizer,
} from "@pruning-bias/data";
import type { HubOptions } from "@pruning-bias/files";
import { type BertConfig, type Checkpoint, loadCheckpoint, maxTokens, resolveModel } from "@pruning-bias/model";
import {
  fromNnPruning,
  type Pruned,
  type PruningSettings,
  readScores,
  readScoreSettings,
  scoreLayout,
} from "@pruning-bias/pruning";
import { type Backend, type Jit, openBackend, type OpenOptions } from "@pruning-bias/runtime";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { checkModel } from "./sums.ts";

/** The model that a run starts from, with its tokenizer. */
export interface Model {
  readonly dir: string;
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
}

/** Loads a model from a folder or the hub. */
export async function loadModel(name: string, context: Context): Promise<Model> {
  const dir = await modelFolder(name, context);
  await checkModel(dir);
  const checkpoint = await loadCheckpoint(dir);
  const { ignored = [] } = checkpoint;
  if (ignored.length > 0) context.log(`${name}: not used: ${some(ignored)}`);
  const maxLength = Math.min(128, maxTokens(checkpoint.config));
  return { dir, checkpoint, tokenizer: await loadTokenizer(dir, { maxLength }) };
}

/** The folder of a model, which the hub's cache has or gets. */
export function modelFolder(name: string, context: Context): Promise<string> {
  const folder = within(context.root, name);
  return resolveModel(existsSync(folder) ? folder : name, hubOptions(name, context));
}

/** How the hub is reached for a model or a data set, and who is told of it. */
export function hubOptions(name: string, { hub, fetch, log, progress }: Context): HubOptions {
  let announced = false;
  return {
    ...{ ...hub, fetch },
    onDamaged: (problem) => log(`${problem}; fetching it again`),
    onProgress: ({ file, bytes, totalBytes }) => {
      if (!announced) log(`fetching ${name} from ${new URL(hub.endpoint).host}`);
      announced = true;
      // What is small is there at once.
      if (totalBytes > 1e6) progress({ what: `fetching ${file}`, done: bytes, total: totalBytes });
    },
  };
}

export const modelName = ({ model }: Config): string => model.hf_checkpoint ?? model.model_name;

/** The sentences to debias on, from the cache where they are there. */
export function loadSentences(config: Config, tokenizer: Tokenizer, context: Context): Promise<DebiasData> {
  const { root, progress, log } = context;
  const { cacheDir, fetch, onDamaged: onDamagedDownload } = downloads(config, context);
  const { datafiles, validation_size: validationSize } = config.datamodule;
  return prepareCorpus({
    corpus: source(root, datafiles.plaintext),
    words: {
      female: source(root, datafiles.attributes_female),
      male: source(root, datafiles.attributes_male),
      stereotype: source(root, datafiles.targets_stereotypes),
    },
    ...{ tokenizer, validationSize, seed: config.seed, cacheDir, fetch, onDamagedDownload },
    onProgress: ({ bytes, totalBytes }) => progress({ what: "reading the corpus", done: bytes, total: totalBytes }),
    onDamaged: (problem) => log(`${problem}: making it again`),
  });
}

/** How what a URL names is fetched and kept, and who is told where it has to come again. */
export const downloads = ({ data_dir }: Config, { root, fetch, log }: Context) => ({
  ...{ cacheDir: within(root, data_dir), fetch },
  onDamaged: (problem: string) => log(`${problem}; fetching it again`),
});

/** The texts of sentences by their lines in the corpus. */
export const loadTexts = (config: Config, lines: ArrayLike<number>, context: Context): Promise<string[]> =>
  corpusTexts(
    { corpus: source(context.root, config.datamodule.datafiles.plaintext), ...downloads(config, context) },
    lines,
  );

/** Swaps the words of the two lists, which are paired by line. @throws Error where the lists differ in length */
export async function loadWordSwap(config: Config, context: Context): Promise<Swap> {
  const { attributes_male, attributes_female } = config.datamodule.datafiles;
  const [male, female] = await Promise.all(
    [attributes_male, attributes_female].map((place) => testFile(place, config, context)),
  );
  return genderSwap(await readWordPairs(male!, female!));
}

/** The configured bias tests, by their names in the configuration. */
export async function loadSeatTests(
  config: Config,
  context: Context,
  places: Readonly<Record<string, string>> = config.datamodule.seat_data,
): Promise<SeatTest[]> {
  return Promise.all(
    Object.entries(places).map(async ([name, place]) => ({
      ...(await readSeat(await testFile(place, config, context))),
      name,
    })),
  );
}

/** The file of a test set, from the cache where it was fetched before. */
export async function testFile(place: string, config: Config, context: Context): Promise<string> {
  if (!isUrl(place)) return within(context.root, place);
  return downloadTest({ url: place, ...downloads(config, context) });
}

/** What to prune of a model, or `undefined` for nothing. */
export function pruningSettings(config: Config, sizes: BertConfig): PruningSettings | undefined {
  if (config.pruning === null) return undefined;
  const {
    lambda_schedule: lambdaSchedule,
    settle: _,
    settle_sentences: __,
    threshold_schedule: thresholdSchedule,
    attention_block_rows: rows,
    attention_block_cols: columns,
    ...keys
  } = config.pruning;
  const { share_pruning_scores, prune_values_only, prune_attention_only } = config.model;
  return fromNnPruning(
    {
      ...keys,
      attention_block_rows: rows === "head" ? sizes.hidden_size / sizes.num_attention_heads : rows,
      attention_block_cols: columns === "head" ? sizes.hidden_size : columns,
      ...{ share_pruning_scores, prune_values_only, prune_attention_only },
    } as Parameters<typeof fromNnPruning>[0],
    { lambdaSchedule, thresholdSchedule, ...(config.compat === "reference" && { compat: "reference" as const }) },
  );
}

/** The masks of a score file: its own settings, or the original's defaults where it has none. */
export async function loadPruned(path: string, sizes: BertConfig): Promise<Pruned> {
  if (sizes.compact_layers !== undefined) {
    throw new Error(`${path}: expected a model with all heads and neurons under scores, got one that is compact`);
  }
  const settings = (await readScoreSettings(path)) ?? fromNnPruning({});
  const layout = scoreLayout(sizes, settings);
  return { layout, scores: await readScores(path, layout), threshold: settings.finalThreshold };
}

/** What the settings say to compute on; tells which it is, and why not those that come before it. */
export async function openJit(config: ComputeSettings, context: Context): Promise<Jit> {
  return (await open(config, context)).jit;
}

/**
 * The same for debiasing, which computes on all devices at once with the second. On the processor they are two where nothing is
 * said, however many threads there are: results are the same with one.
 */
export async function openDevices(config: ComputeSettings, context: Context) {
  const asked = devicesAsked(config.trainer);
  const { name, jit, jitOnAll } = await open(
    config,
    context,
    asked === undefined ? { halves: true } : { devices: asked },
  );
  return { jit, jitOnAll, devices: asked ?? (name === "onnx-cpu" ? HALVES : 1) };
}

/** Devices to debias on; `undefined` where settings leave it open. */
export const devicesAsked = ({ devices, gpus }: Pick<Config["trainer"], "devices" | "gpus">): number | undefined =>
  devices ?? (gpus > 0 ? gpus : undefined);

const HALVES = 2;

type ComputeSettings = Pick<Config, "backend" | "threads" | "trainer">;

async function open(
  { backend: name, threads, trainer }: ComputeSettings,
  { log, machine }: Context,
  more: Pick<OpenOptions, "devices" | "halves"> = {},
): Promise<Backend> {
  const passed = new Map<string, string[]>();
  const backend = await openBackend(name, {
    ...{ precision: trainer.precision, gpu: trainer.gpus > 0, from: machine.native },
    ...{ threads: threads ?? machine.threads, shared: machine.threads !== undefined },
    ...more,
    onFallback: (other, reason) => passed.set(reason, [...(passed.get(reason) ?? []), other]),
  });
  const reasons = [...passed].map(([reason, others]) => `; not ${others.join(" or ")}: ${reason}`);
  log(`backend: ${backend.name}, ${backend.device}${reasons.join("")}`);
  return backend;
}

/** The same for GLUE, which computes the two halves of a batch at once where there are two halves of the processor. */
export async function openHalves(
  config: ComputeSettings,
  context: Context,
): Promise<{ readonly jit: Jit; readonly sideBySide: boolean }> {
  const { jit, jitOnAll } = await open(config, context, { halves: true });
  return { jit: jitOnAll, sideBySide: jitOnAll !== jit };
}

/** A path of the settings, relative to the workspace. */
export const within = (root: string, path: string): string => (isAbsolute(path) ? path : join(root, path));

const some = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

const source = (root: string, place: string): string => (isUrl(place) ? place : within(root, place));
