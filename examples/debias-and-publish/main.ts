// Debiases a model by fine-pruning, writes it as a model of the hub, and loads it where nobody knows of this library.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { readSeat } from "@pruning-bias/data";
import { fineprune } from "@pruning-bias/debias";
import { embedder, seat } from "@pruning-bias/eval-bias";
import { type Checkpoint, loadCheckpoint, modelCard, saveCheckpoint } from "@pruning-bias/model";
import { parsePruningSettings, prunedCheckpoint, writeScores } from "@pruning-bias/pruning";
import { compiler } from "@pruning-bias/runtime";
import { complete, demoModel } from "@pruning-bias/training";

const jit = compiler({ threads: 1 }); // of so small a model, two threads wait for each other
const dir = process.argv[2] ?? (await mkdtemp(join(tmpdir(), "debias-and-publish-")));
const { checkpoint, tokenizer, corpus, files } = await demoModel(join(dir, "demo"), { jit });
// Or: loadCheckpoint, loadTokenizer and prepareCorpus on a model and a corpus of your own.

// Debias: train the scores of heads and neurons alone, on the direction that tells male from female.
const pruning = parsePruningSettings({ attention: { block: [16, 64] }, scoresLearningRate: 0.05, finalWarmup: 0 });
const result = await complete(
  fineprune({
    ...{ checkpoint, pruning, freezeWeights: true, jit, batchSize: 32, maxSteps: 40, staticSentences: 200 },
    train: { targets: corpus.stereotype.train, male: corpus.male.train, female: corpus.female.train },
    ...{ debiasMode: "token", lossForm: "direction", alpha: 2 },
  }),
  (event) => {
    if (event.kind === "step" && event.step % 20 === 0) {
      console.log(`step ${event.step}: L_debias ${event.lossDebias.toFixed(2)}, L_keep ${event.lossKeep.toFixed(2)}`);
    }
  },
);

// Publish: masks multiplied in, so that it loads wherever BERT does; scores beside it for nn_pruning and for us.
const { checkpoint: debiased, report } = await prunedCheckpoint(
  checkpoint,
  { ...result, layout: result.layout! },
  "dense",
);
const name = "tiny-bert-debiased";
const to = join(dir, name);
const card = modelCard({
  ...{ name, checkpoint: debiased, onnx: true, settings: pruning },
  made: [`Debiased by fine-pruning in ${result.steps} steps; density ${report.density.toFixed(3)}.`],
});
await saveCheckpoint(to, debiased, { tokenizerFrom: checkpoint.dir, onnx: true, card });
await writeScores(join(to, "scores.safetensors"), result.layout!, result.scores, pruning);

// What it did to bias.
const tests = await Promise.all(files.seat.map((file) => readSeat(file)));
const measured = async (checkpoint: Checkpoint) => {
  const embed = embedder({ checkpoint, tokenizer, jit });
  const results = await seat({ tests, embed, protocol: "cls" });
  await embed.dispose();
  return results;
};
const [before, after] = [await measured(checkpoint), await measured(await loadCheckpoint(to))];
for (const [n, { test, effectSize }] of before.entries()) {
  console.log(`${test}: effect size ${effectSize.toFixed(2)} before, ${after[n]!.effectSize.toFixed(2)} after`);
}

// Elsewhere: transformers.js loads tokenizer and ONNX from the folder, as it would from the hub.
env.allowRemoteModels = false;
env.localModelPath = dir;
for (const model of ["demo/model", name]) {
  if (model !== name) await saveCheckpoint(join(dir, model), checkpoint, { onnx: true });
  const fill = await pipeline("fill-mask", model, { dtype: "fp32", local_files_only: true });
  const guesses = await fill("Every morning [MASK] worked as a nurse, a secretary and a nanny.", { top_k: 5 });
  const words = (Array.isArray(guesses[0]) ? guesses[0] : (guesses as { token_str: string; score: number }[]))
    .map(({ token_str, score }) => `${token_str} ${score.toFixed(2)}`)
    .join(", ");
  console.log(`${model} in transformers.js: ${words}`);
}
if (process.argv[2] === undefined) await rm(dir, { recursive: true });
