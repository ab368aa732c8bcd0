import { expect, it } from "vitest";
import { failuresIn } from "./failures.ts";

const said = `
demo/seed=1: step 3/9  loss 2
demo/seed=2: backend: onnx-cpu
demo/seed=2: error: runs/demo/seed=2: no space left
demo/baseline/glue-cola: error: cola: expected 2 labels, got 3

 NX   Running targets train, bias for 4 projects failed

Failed tasks:

- demo/seed=2:train
- demo/seed=2/bias:bias
- demo/baseline/glue-cola:glue-cola
- demo:report

Hint: run the command with --verbose for more details.
`;

it("failed tasks are named with what they said last, and those left out that only waited for another", () => {
  expect(failuresIn(said, "demo", "/runs/demo")).toEqual([
    {
      task: "seed=2:train",
      why: "runs/demo/seed=2: no space left",
      log: "/runs/demo/logs/seed=2.train.log",
      lines: ["backend: onnx-cpu", "error: runs/demo/seed=2: no space left"],
    },
    {
      task: "baseline:glue-cola",
      why: "cola: expected 2 labels, got 3",
      log: "/runs/demo/logs/baseline.glue-cola.log",
      lines: ["error: cola: expected 2 labels, got 3"],
    },
  ]);
});
