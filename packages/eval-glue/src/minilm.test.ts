import { join } from "node:path";
import { type GlueExamples, loadTokenizer, readGlue } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { dataDir, describeData } from "@pruning-bias/oracle";
import { expect, it } from "vitest";
import { finetune } from "./index.ts";

describeData("a real encoder", "hub/sentence-transformers/all-MiniLM-L6-v2", (dir) => {
  it("begins to learn MRPC from its parquet files", async () => {
    const glue = join(dataDir!, "hub/datasets/nyu-mll/glue");
    const train = head(await readGlue(glue, "mrpc", "train"), 32);
    const validation = { validation: head(await readGlue(glue, "mrpc", "validation"), 32) };
    const checkpoint = await loadCheckpoint(dir);
    const tokenizer = await loadTokenizer(dir, { maxLength: 48 });
    const options = { batchSize: 16, epochs: 1, learningRate: 1e-4 };
    const events = await Array.fromAsync(
      finetune({ checkpoint, tokenizer, task: "mrpc", train, validation, ...options }),
    );
    expect(events.map(({ kind }) => kind)).toEqual(["step", "step", "epoch", "done"]);
    const { scores, loss } = events[2] as Extract<(typeof events)[number], { kind: "epoch" }>;
    expect(loss).toBeLessThan(1);
    expect(Object.keys(scores["validation"]!.metrics)).toEqual(["accuracy", "f1", "combined_score"]);
    expect(scores["validation"]!.baseline["accuracy"]).toBeGreaterThan(0.4);
  });
});

const head = ({ first, second, labels, idx }: GlueExamples, rows: number): GlueExamples => ({
  first: first.slice(0, rows),
  ...(second !== undefined && { second: second.slice(0, rows) }),
  labels: labels.slice(0, rows),
  idx: idx.slice(0, rows),
});
