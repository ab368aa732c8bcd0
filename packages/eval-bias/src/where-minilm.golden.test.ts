import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer, readSeat } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { dataDir, describeGolden } from "@pruning-bias/oracle";
import { initialScores, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { type Effects, embedder, headMap, seat } from "./index.ts";

interface Fixture {
  model: string;
  open: Effects;
  closed: (Effects & { layer: number; head: number })[];
}

describeGolden("SEAT of an encoder with heads closed", "where_minilm.json", (path) => {
  const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;
  const names = Object.keys(fixture.open);

  describe.skipIf(dataDir === undefined)(`${fixture.model} in data/`, () => {
    const load = async () => {
      const dir = join(dataDir!, fixture.model);
      const tests = await Promise.all(names.map((name) => readSeat(join(dataDir!, "seat", `${name}.jsonl`))));
      return { checkpoint: await loadCheckpoint(dir), tokenizer: await loadTokenizer(dir), tests };
    };

    it("each head alone, with the layers below computed once", async () => {
      const { checkpoint, ...rest } = await load();
      const map = headMap({ checkpoint, ...rest });
      expect(await map.effects()).toEqual(near(fixture.open));
      const rows = [];
      for await (const row of map.each(undefined, telling(fixture))) rows.push(row);
      expect(rows).toHaveLength(3);
      for (const { layer, head, effects } of rows) {
        expect(effects).toEqual(near(fixture.closed.find((row) => row.layer === layer && row.head === head)!));
      }
      // The same set, closed at once.
      const [{ layer, head, effects }] = rows as [(typeof rows)[number]];
      const closed = map.none.map((heads, l) => (l === layer ? heads.with(head, true) : heads));
      expect(await map.effects(closed)).toEqual(near(effects));
      await map.dispose();
    });

    it("as scores close them", async () => {
      const { checkpoint, tokenizer, tests } = await load();
      const { hidden_size: D, num_attention_heads: H } = checkpoint.config;
      const block: [number, number] = [D / H, D];
      const layout = scoreLayout(
        checkpoint.config,
        parsePruningSettings({ attention: { block }, dense: { method: "disabled" }, valuesOnly: true }),
      );
      const [expected] = telling(fixture);
      const name = `encoder.layer.${expected!.layer}.attention.self.value.mask_module.context_modules.0.mask_scores`;
      const closed = new Float32Array(H);
      closed[expected!.head] = -5;
      const scores = { ...initialScores(layout), [name]: ndarray(closed, [H, 1]) };
      const embed = embedder({ checkpoint, tokenizer, pruned: { layout, scores, threshold: 0.1 } });
      const options = { protocol: "cls", samples: 1, bootstrapSamples: 0 } as const;
      const results = await seat({ tests, embed, ...options });
      expect(Object.fromEntries(results.map(({ test, effectSize }) => [test, effectSize]))).toEqual(near(expected!));
      await embed.dispose();
    });
  });

  const near = (expected: Effects) =>
    Object.fromEntries(names.map((name) => [name, expect.closeTo(expected[name]!, 4)]));
});

/** The heads with the strongest effect, and the last one: `pnpm bench bias --where` compares all of them, in half a minute. */
function telling({ open, closed }: Fixture): Fixture["closed"] {
  const change = (row: Effects) => Object.keys(open).reduce((sum, name) => sum + Math.abs(row[name]! - open[name]!), 0);
  return [...closed.toSorted((a, b) => change(b) - change(a)).slice(0, 2), closed.at(-1)!];
}
