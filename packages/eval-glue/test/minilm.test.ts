import { join } from "node:path";
import { firstExamples, loadTokenizer, readGlue, tokenizeGlue } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { dataDir, describeData } from "@pruning-bias/oracle";
import { expect, it } from "vitest";
import { finetune, type FinetuneEvent } from "../src/index.ts";

describeData("a real encoder", "hub/sentence-transformers/all-MiniLM-L6-v2", (dir) => {
  it("begins to learn MRPC from its parquet files", async () => {
    const glue = join(dataDir!, "hub/datasets/nyu-mll/glue");
    const tokenizer = await loadTokenizer(dir, { maxLength: 48 });
    const head = async (split: string) =>
      firstExamples(tokenizeGlue("mrpc", split, await readGlue(glue, "mrpc", split), tokenizer), 32);
    const checkpoint = await loadCheckpoint(dir);
    const events = await Array.fromAsync(
      finetune({
        ...{ checkpoint, train: await head("train"), validation: [await head("validation")] },
        ...{ test: [await head("test")], batchSize: 16, epochs: 1, learningRate: 1e-4 },
      }),
    );
    expect(events.map(({ kind }) => kind)).toEqual(["step", "step", "epoch", "done"]);
    const { scores, loss, logits } = events[3] as Extract<FinetuneEvent, { kind: "done" }>;
    expect(loss).toBeLessThan(1);
    expect(Object.keys(scores["validation"]!.metrics)).toEqual(["accuracy", "f1", "combined_score"]);
    expect(scores["validation"]!.baseline["accuracy"]).toBeGreaterThan(0.4);
    expect(logits["test"]!.shape).toEqual([32, 2]);
  });
});
