import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer, readSeat, type SeatTest } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { dataDir, describeGolden } from "@pruning-bias/oracle";
import { describe, expect, it } from "vitest";
import { embedder, type Protocol, seat } from "./index.ts";

interface Fixture {
  model: string;
  results: {
    test: string;
    protocol: keyof typeof protocols;
    sizes: number[];
    effect_size: number;
    p: number | null;
    p_kind?: string;
    p_normal?: number;
  }[];
  embeddings: { text: string; protocol: keyof typeof protocols; embedding: number[] }[];
}

const protocols = { cls_last: "cls", mean_last: "mean", first_wordpiece_no_special: "first" } as const satisfies Record<
  string,
  Protocol
>;

describeGolden("SEAT of a real encoder", "seat_minilm.json", (path) => {
  const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;
  const names = [...new Set(fixture.results.map(({ protocol }) => protocol))];

  describe.skipIf(dataDir === undefined)(`${fixture.model} in data/`, () => {
    it.each(names)("%s: effect sizes, p-values and embeddings of the original", async (name) => {
      const dir = join(dataDir!, fixture.model);
      const protocol = protocols[name];
      const embed = embedder({ checkpoint: await loadCheckpoint(dir), tokenizer: await loadTokenizer(dir), protocol });

      const expected = fixture.results.filter((result) => result.protocol === name);
      const tests = await Promise.all(expected.map(({ test }) => readTest(test)));
      const results = await seat({ tests, embed, protocol });
      expect(results.map(({ test }) => test)).toEqual(tests.map(({ name }) => name));
      expect(results.map(({ sizes }) => Object.values(sizes))).toEqual(expected.map(({ sizes }) => sizes));
      expect(results.map(({ pKind }) => pKind)).toEqual(expected.map(kindOf));
      expect(results.map(({ effectSize }) => effectSize)).toEqual(
        expected.map(({ effect_size }) => expect.closeTo(effect_size, 4)),
      );
      const normal = results.map(({ pNormal }, n) => pNormal! - (expected[n]!.p_normal ?? pNormal!));
      expect(Math.max(...normal.map(Math.abs))).toBeLessThan(1e-3);
      const strange = results.filter(({ p, ...result }, n) => {
        const reference = expected[n]!.p;
        return p !== null && reference !== null && Math.abs(p - reference) > 5 * uncertainty(reference, result);
      });
      expect(strange).toEqual([]);

      const stored = fixture.embeddings.filter((embedding) => embedding.protocol === name);
      const { data } = await embed(stored.map(({ text }) => text));
      const expectedData = stored.flatMap(({ embedding }) => embedding);
      expect(Math.max(...expectedData.map((value, n) => Math.abs(data[n]! - value)))).toBeLessThan(1e-5);
      await embed.dispose();
    });
  });
});

const kindOf = ({ p, p_kind }: Fixture["results"][number]): string =>
  p === null ? "none" : p_kind === "exact" ? "exact" : "sampled";

/** A test by its file's name; a final ~ exchanges targets and attributes. */
async function readTest(name: string): Promise<SeatTest> {
  const { targets, attributes, ...rest } = await readSeat(join(dataDir!, "seat", `${name.replace(/~$/, "")}.jsonl`));
  if (!name.endsWith("~")) return { targets, attributes, ...rest };
  return {
    ...rest,
    targets: { X: attributes.A, Y: attributes.B },
    attributes: { A: targets.X, B: targets.Y },
  };
}

/** Of an exact p one split more or less; of a sampled one the standard error of two estimates, at least one count. */
const uncertainty = (p: number, { pKind, samples }: { pKind: string; samples: number }): number =>
  pKind === "exact" ? 1 / samples : Math.sqrt((2 * Math.max(p, 1 / samples) * (1 - p)) / samples);
