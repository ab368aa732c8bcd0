import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeData } from "@pruning-bias/oracle";
import { expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { readSeat, writeSeat } from "./seat.ts";

const dir = temporaryDir();
const set = (category: string) => ({ category, examples: [`This is ${category}.`] });
const example = { targets: { X: set("a"), Y: set("b") }, attributes: { A: set("c"), B: set("d") } };

test("a test is read as it was written", async () => {
  const path = join(dir(), "sent-weat6.jsonl");
  await writeSeat(path, example);
  expect(await readSeat(path)).toEqual({ name: "sent-weat6", ...example });
});

test.each([
  ["missing.jsonl", undefined, /missing\.jsonl: expected a SEAT test, found no such file$/],
  ["cut.jsonl", '{"targ1": {"categ', /cut\.jsonl: expected one JSON object, got .+$/],
  ["list.jsonl", "[]", /list\.jsonl: expected a SEAT test, at its top: .+$/],
  [
    "half.jsonl",
    '{"targ1":{"category":"a","examples":[]}}',
    /half\.jsonl: expected a SEAT test, at targ1\.examples: .+$/,
  ],
])("%s is refused in one line", async (name, text, message) => {
  const path = join(dir(), name);
  if (text !== undefined) writeFileSync(path, text);
  await expect(readSeat(path)).rejects.toThrow(message);
});

describeData("sent-bias' files", "seat", (folder) => {
  test.each(["weat6", "sent-weat6", "sent-weat8b"])("%s reads", async (name) => {
    const { targets, attributes } = await readSeat(join(folder, `${name}.jsonl`));
    for (const set of [targets.X, targets.Y, attributes.A, attributes.B])
      expect(set.examples.length).toBeGreaterThan(7);
  });
});
