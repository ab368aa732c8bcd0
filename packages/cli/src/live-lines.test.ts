import { expect, it } from "vitest";
import { liveLines } from "./live-lines.ts";

it("keeps a line for each task that runs, below what is said beside it", () => {
  const written: string[] = [];
  const live = liveLines((text) => written.push(text));
  live.output("a/x: step 1/9  loss 3\na/y: step 2/9  loss 2\n");
  expect(written.at(-1)).toBe("a/x  step 1/9  loss 3\na/y  step 2/9  loss 2\n");
  live.output("a/x: validation at step 3\na/x: step 3/9");
  expect(written.at(-1)).toBe(
    "\u001b[2A\u001b[Ja/x: validation at step 3\na/x  step 1/9  loss 3\na/y  step 2/9  loss 2\n",
  );
  live.output("  loss 1\na/y: step 9/9  loss 1\n");
  expect(written.at(-1)).toBe("\u001b[2A\u001b[Ja/x  step 3/9  loss 1\n");
  live.output("a/x: error: no space left\n");
  expect(written.at(-1)).toBe("\u001b[1A\u001b[Ja/x: error: no space left\n");
});

it("knows the progress of a task with a digit in its name", () => {
  const written: string[] = [];
  const live = liveLines((text) => written.push(text));
  live.output("a/x: sst2 step 1/9  epoch 1\na/x: sst2 step 2/9  epoch 1\n");
  expect(written.at(-1)).toBe("a/x  sst2 step 2/9  epoch 1\n");
});

it("cuts long lines in front, so that each stays one", () => {
  const written: string[] = [];
  liveLines((text) => written.push(text), { columns: 20 }).output(`${"p".repeat(30)}: step 1/9  loss 3\n`);
  expect(written[0]).toBe("…  step 1/9  loss 3\n");
});
