import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventWriter, histogram } from "../src/index.ts";
import { crc32c } from "../src/tf-record.ts";
import { readEvents } from "./read-events.ts";

const folder = () => mkdtemp(join(tmpdir(), "events-"));

it("checksums are Castagnoli's", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

it("what is written is read: scalars, histograms, texts", async () => {
  const events = await eventWriter(await folder(), { now: () => 1.7e9 });
  events.scalars({ "train/loss": 1.5, "SEAT/SEAT6": -0.25 }, 300);
  events.histogram("scores/attention", [0, 1, 1, 3], 300);
  events.text("config", "`seed` 42", 0);
  await events.close();
  const { version, starts, values } = await readEvents(events.path);
  expect(version).toBe("brain.Event:2");
  expect(starts).toEqual([]);
  expect(values.slice(0, 2)).toEqual([
    { tag: "train/loss", step: 300, scalar: 1.5 },
    { tag: "SEAT/SEAT6", step: 300, scalar: -0.25 },
  ]);
  expect(values[2]!.histogram).toMatchObject({ min: 0, max: 3, count: 4, sum: 5 });
  expect(values[2]!.histogram!.counts.reduce((a, b) => a + b)).toBe(4);
  expect(values[3]).toEqual({ tag: "config", step: 0, text: "`seed` 42" });
});

it("a run that goes on has a file of its own, which says from which step", async () => {
  const dir = await folder();
  const now = () => 1.7e9;
  await (await eventWriter(dir, { now })).close();
  const second = await eventWriter(dir, { now, purgeStep: 7 });
  await second.close();
  expect(await readdir(dir)).toHaveLength(2);
  expect((await readEvents(second.path)).starts).toEqual([7]);
});

it("a histogram counts every number once", () => {
  expect(histogram([1, 2, 3, 4], 2)).toMatchObject({ limits: [2.5, 4], counts: [2, 2], sum: 10, sumSquares: 30 });
  expect(histogram([5, 5])).toMatchObject({ limits: [5], counts: [2], min: 5, max: 5 });
  expect(histogram([NaN, 1, Infinity])).toMatchObject({ count: 1, counts: [1] });
  expect(histogram([])).toMatchObject({ count: 0 });
});
