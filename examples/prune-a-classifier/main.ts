// Prunes a classifier for speed while it learns a task, and removes what closed. No debiasing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGlue, tokenizeGlue } from "@pruning-bias/data";
import {
  finepruneClassifier,
  finetune,
  mainScore,
  metrics,
  predictions,
  scoreClassifier,
} from "@pruning-bias/eval-glue";
import { type Batch, type Checkpoint, encode, sequenceLogits, type Weights } from "@pruning-bias/model";
import { parsePruningSettings, prunedCheckpoint } from "@pruning-bias/pruning";
import { compiler, ndarray } from "@pruning-bias/runtime";
import { complete, demoModel } from "@pruning-bias/training";

const jit = compiler({ threads: 1 }); // of so small a model, two threads wait for each other
const dir = await mkdtemp(join(tmpdir(), "prune-a-classifier-"));
const { checkpoint, tokenizer, files } = await demoModel(dir, { jit });
// Or: const checkpoint = await loadCheckpoint(await resolveModel("bert-base-uncased", { endpoint, cacheDir }));

// A task in the form of CoLA: is this a sentence, or are its words out of order?
const split = async (name: string) => tokenizeGlue("cola", name, await readGlue(files.glue, "cola", name), tokenizer);
const [train, validation] = [await split("train"), await split("validation")];
const task = { checkpoint, train, validation: [validation], epochs: 6, learningRate: 1e-3, jit };

// As it is.
let whole: Checkpoint | undefined;
for await (const event of finetune(task)) if (event.kind === "done") whole = event.checkpoint;

// Pruned: one score for each head (16 of 64 rows) and each neuron. λ decides how much is left.
const pruning = parsePruningSettings({
  attention: { method: "sigmoid_threshold", block: [16, 64] },
  dense: { method: "sigmoid_threshold", layout: "1d_alt" },
  ...{ scoresLearningRate: 0.05, finalThreshold: 0.4, initialWarmup: 0, finalWarmup: 0, finalLambda: 3 },
});
const { checkpoint: masked, pruned } = await complete(finepruneClassifier({ ...task, pruning }), (event) => {
  if (event.kind !== "epoch") return;
  const score = mainScore(event.scores["validation"]!.metrics);
  console.log(`epoch ${event.epoch}: Matthews ${score.toFixed(2)}, density ${event.density.toFixed(2)}`);
});
const { checkpoint: compact, report } = await prunedCheckpoint(masked, pruned, "compact");

await tell("as it is", whole!, 1);
await tell("pruned", compact, report.density);
for (const [layer, { keptHeads, neurons }] of report.layers!.entries()) {
  console.log(`layer ${layer}: ${keptHeads.length} of 4 heads, ${neurons} of 256 neurons are left`);
}
await rm(dir, { recursive: true });

async function tell(name: string, checkpoint: Checkpoint, density: number): Promise<void> {
  const logits = await scoreClassifier({ checkpoint, splits: [validation], jit });
  const score = mainScore(metrics("cola", predictions(logits["validation"]!), validation.labels));
  const parameters = Object.values(checkpoint.weights).reduce((sum, { data }) => sum + data.length, 0);
  console.log(
    `${name}: Matthews ${score.toFixed(2)}, density ${density.toFixed(2)}, ${parameters} parameters, ` +
      `${(await milliseconds(checkpoint)).toFixed(1)} ms for 64 sentences`,
  );
}

/** Median time of a forward pass of 64 sentences of 16 tokens. */
async function milliseconds({ config, weights }: Checkpoint): Promise<number> {
  const classify = jit(({ weights, batch }: { weights: Weights; batch: Batch }) => ({
    logits: sequenceLogits(config, weights, encode(config, weights, batch).at(-1)!),
  }));
  const filled = (value: number) => ndarray(new Int32Array(64 * 16).fill(value), [64, 16]);
  const batch = { inputIds: filled(9), attentionMask: filled(1) };
  const times: number[] = [];
  for (let run = 0; run < 21; run++) {
    const start = performance.now();
    await classify({ weights, batch });
    times.push(performance.now() - start);
  }
  await classify.dispose();
  return times.toSorted((a, b) => a - b)[10]!;
}
