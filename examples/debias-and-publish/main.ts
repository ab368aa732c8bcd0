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

// Debias: weights and scores of heads and neurons train together on the direction that tells male from female.
const pruning = parsePruningSettings({
  attention: { block: [16, 64] },
  ...{ scoresLearningRate: 0.1, finalThreshold: 0.3, initialWarmup: 0, finalWarmup: 0 },
});
const result = await complete(
  fineprune({
    ...{ checkpoint, pruning, freezeWeights: false, learningRate: 3e-3, jit, batchSize: 32, maxSteps: 40 },
    train: { targets: corpus.stereotype.train, male: corpus.male.train, female: corpus.female.train },
    ...{ debiasMode: "token", lossForm: "direction", alpha: 5, staticSentences: 200 },
  }),
  (event) => {
    if (event.kind === "step" && event.step % 20 === 0) {
      console.log(`step ${event.step}: L_debias ${event.lossDebias.toFixed(2)}, L_keep ${event.lossKeep.toFixed(2)}`);
    }
  },
);

// Publish: masks multiplied in, so that it loads wherever BERT does; scores beside it for nn_pruning and for us.
const trained = { ...checkpoint, weights: result.weights };
const pruned = { ...result, layout: result.layout! };
const { checkpoint: debiased, report } = await prunedCheckpoint(trained, pruned, "dense");
const name = "tiny-bert-debiased";
const to = join(dir, name);
const card = modelCard({
  ...{ name, checkpoint: debiased, onnx: true, settings: pruning },
  made: [`Debiased by fine-pruning in ${result.steps} steps; density ${report.density.toFixed(3)}.`],
});
await saveCheckpoint(to, debiased, { tokenizerFrom: checkpoint.dir, onnx: true, card });
await writeScores(join(to, "scores.safetensors"), pruned.layout, pruned.scores, pruning);

// What it did to bias.
const tests = await Promise.all(files.seat.map((file) => readSeat(file)));
const measured = async (checkpoint: Checkpoint) => {
  const embed = embedder({ checkpoint, tokenizer, jit, protocol: "mean" });
  const results = await seat({ tests, embed, protocol: "mean" });
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
await saveCheckpoint(checkpoint.dir, checkpoint, { onnx: true });
for (const model of ["demo/model", name]) {
  const fill = await pipeline("fill-mask", model, { dtype: "fp32", local_files_only: true });
  const guesses = await fill("Every morning [MASK] worked as a nurse, a librarian and a nanny.", { top_k: 3 });
  const words = (guesses.flat() as { token_str: string; score: number }[]).map(
    ({ token_str, score }) => `${token_str} ${score.toFixed(2)}`,
  );
  console.log(`${model} in transformers.js: ${words.join(", ")}`);
}
if (process.argv[2] === undefined) await rm(dir, { recursive: true });
