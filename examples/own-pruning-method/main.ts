// Prunes a classifier by a method that the library does not have, beside one that it has.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGlue, tokenizeGlue } from "@pruning-bias/data";
import { finepruneClassifier } from "@pruning-bias/eval-glue";
import { parsePruningSettings, prunedCheckpoint, readPruned, writeScores } from "@pruning-bias/pruning";
import { compiler } from "@pruning-bias/runtime";
import { complete, demoModel } from "@pruning-bias/training";
import { surrogate } from "./surrogate.ts";

const jit = compiler({ threads: 1 }); // of so small a model, two threads wait for each other
const dir = await mkdtemp(join(tmpdir(), "own-pruning-method-"));
const { checkpoint, tokenizer, files } = await demoModel(dir, { jit });
const split = async (name: string) => tokenizeGlue("cola", name, await readGlue(files.glue, "cola", name), tokenizer);
const task = { checkpoint, train: await split("train"), validation: [await split("validation")], jit };

// A method of one's own stands where the name of one of ours does.
for (const method of ["threshold", surrogate] as const) {
  const name = typeof method === "string" ? method : method.name;
  const pruning = parsePruningSettings({
    attention: { method, block: [16, 64] },
    dense: { method },
    ...{ scoresLearningRate: 0.05, initialThreshold: -1, finalThreshold: -0.2, initialWarmup: 0, finalWarmup: 0 },
    ...{ finalLambda: 0.5, lambdaSchedule: "constant" },
  });
  const result = await complete(finepruneClassifier({ ...task, pruning, epochs: 5, learningRate: 1e-3 }), (event) => {
    if (event.kind !== "epoch") return;
    const { matthews_correlation: score } = event.scores["validation"]!.metrics;
    console.log(`${name}, epoch ${event.epoch}: Matthews ${score!.toFixed(2)}, density ${event.density.toFixed(2)}`);
  });

  // Files know a method by its name, and whoever reads them hands it over: no code comes out of a file.
  const { layout, scores } = result.pruned;
  const file = join(dir, `${name}.safetensors`);
  await writeScores(file, layout, scores, pruning);
  const again = await readPruned(file, { methods: [surrogate] });
  const { report } = await prunedCheckpoint(result.checkpoint, again, "compact");
  const heads = report.layers!.map(({ keptHeads }) => keptHeads.length).join(" and ");
  console.log(
    `${name}: ${heads} of 4 heads, ${report.parameters.after} of ${report.parameters.before} parameters are left`,
  );
}
await rm(dir, { recursive: true });
