import { join } from "node:path";
import type { Sentences, Tokenizer } from "@pruning-bias/data";
import { inlp, type Projection, sentenceDebias, writeProjection } from "@pruning-bias/debias";
import { type Embedder, embedder } from "@pruning-bias/eval-bias";
import { type AlternativeConfig, PROJECTION } from "../config/alternative.ts";
import type { Found } from "./alternative.ts";
import type { Context } from "./context.ts";
import { forget } from "./forget.ts";
import { loadModel, loadSentences, loadTexts, loadWordSwap, modelName, openJit } from "./inputs.ts";
import { metricsFile } from "./metrics-file.ts";

/** Finds the directions of gender in the embeddings of corpus sentences, and leaves them in `out/projection.safetensors`. */
export async function findProjection(config: AlternativeConfig, out: string, context: Context): Promise<Found> {
  const started = performance.now();
  const { method, embedding } = config.alternative;
  const jit = await openJit(config, context);
  const model = await loadModel(modelName(config), context);
  const embed = embedder({ ...model, protocol: embedding, jit });
  await forget(out, { metrics: true });
  const found = await (method === "inlp" ? ofClassifiers : ofPairs)(config, { embed, ...model }, out, context);
  await embed.dispose();
  const { directions, tokens, ...told } = found;
  const width = model.checkpoint.config.hidden_size;
  const metadata = { base_model: modelName(config), method, embedding };
  await writeProjection(join(out, PROJECTION), { directions }, width, metadata);
  context.log(`${method}: ${directions.length} of ${width} directions are taken out`);
  return { steps: directions.length, seconds: (performance.now() - started) / 1000, tokens, ...told };
}

interface Encoder {
  readonly embed: Embedder;
  readonly tokenizer: Tokenizer;
}

type Directions = Projection & { readonly tokens: number } & Readonly<Record<string, unknown>>;

/** INLP: classifiers of male and female training sentences, accuracies on validation sentences. */
async function ofClassifiers(
  config: AlternativeConfig,
  { embed, tokenizer }: Encoder,
  out: string,
  context: Context,
): Promise<Directions> {
  const { male, female } = await loadSentences(config, tokenizer, context);
  const parts = [
    bothGenders(config, male.train, female.train),
    bothGenders(config, male.validation, female.validation),
  ];
  const texts = await loadTexts(
    config,
    parts.flatMap(({ lines }) => lines),
    context,
  );
  const [train, heldOut] = [texts.slice(0, parts[0]!.lines.length), texts.slice(parts[0]!.lines.length)];
  context.log(`inlp: ${train.length} sentences to train classifiers on, ${heldOut.length} to test them`);
  const metrics = await metricsFile(join(out, "metrics.jsonl"));
  const rows: object[] = [];
  const { directions, accuracies, chance } = inlp(
    { embeddings: await embed(train), labels: parts[0]!.male },
    { embeddings: await embed(heldOut), labels: parts[1]!.male },
    {
      iterations: config.alternative.iterations,
      onIteration(accuracy, done) {
        rows.push({ kind: "classifier", directions: done, accuracy });
        const detail = `accuracy ${accuracy.toFixed(3)}`;
        context.progress({ what: "directions", done, total: config.alternative.iterations, detail });
      },
    },
  );
  for (const row of rows) await metrics.append(row);
  await metrics.finish();
  const [first, last] = [accuracies[0]!, accuracies.at(-1)!];
  context.log(
    `inlp: accuracy ${first.toFixed(3)} at first, ${last.toFixed(3)} in the end, ${chance.toFixed(3)} by chance`,
  );
  return { directions, tokens: tokensOf(texts, tokenizer), accuracies, chance };
}

/** As many male as female sentences: their lines, and which are male. */
function bothGenders(config: AlternativeConfig, male: Sentences, female: Sentences) {
  const count = Math.min(config.alternative.sentences, male.length, female.length);
  const lines = [male, female].flatMap((sentences) => [...sentences.lines.subarray(0, count)]);
  return { lines, male: lines.map((_, n) => n < count) };
}

/** SentenceDebias: training sentences of both genders beside themselves with gender words swapped. */
async function ofPairs(
  config: AlternativeConfig,
  { embed, tokenizer }: Encoder,
  _out: string,
  context: Context,
): Promise<Directions> {
  const { male, female } = await loadSentences(config, tokenizer, context);
  const swap = await loadWordSwap(config, context);
  const lines = [male.train, female.train].flatMap((sentences) => [
    ...sentences.lines.subarray(0, config.alternative.sentences),
  ]);
  const texts = await loadTexts(config, lines, context);
  const pairs = texts.flatMap((text) => {
    const swapped = swap(text);
    return swapped === undefined ? [] : [[text, swapped] as const];
  });
  context.log(`sentence_debias: ${pairs.length} sentences and their copies with gender words swapped`);
  const all = [...pairs.map(([text]) => text), ...pairs.map(([, swapped]) => swapped)];
  const { directions, explained } = sentenceDebias(
    await embed(all.slice(0, pairs.length)),
    await embed(all.slice(pairs.length)),
    config.alternative.components,
  );
  const shares = explained.map((share) => `${(100 * share).toFixed(1)} %`).join(", ");
  context.log(`sentence_debias: ${shares} of the variance within pairs`);
  return { directions, tokens: tokensOf(all, tokenizer), explained };
}

const tokensOf = (texts: readonly string[], tokenizer: Tokenizer): number =>
  texts.reduce((sum, text) => sum + tokenizer.encode(text).inputIds.length, 0);
