import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { sideBySide } from "./side-by-side.ts";

it("gives results in their order", async () => {
  const waits = [30, 1, 20, 5];
  expect(await sideBySide(waits, 2, async (ms) => (await sleep(ms), ms))).toEqual(waits);
});

it("after an error nothing more is begun, and nothing runs on", async () => {
  const [begun, ended]: number[][] = [[], []];
  const work = async (n: number) => {
    begun!.push(n);
    if (n === 0) throw new Error("the first");
    await sleep(20);
    ended!.push(n);
  };
  await expect(sideBySide([0, 1, 2, 3], 2, work)).rejects.toThrow("the first");
  expect([begun, ended]).toEqual([[0, 1], [1]]);
});
