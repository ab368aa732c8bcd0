import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer, readSeat } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { dataDir, describeGolden } from "@pruning-bias/oracle";
import { initialScores, parsePruningSettings, scoreLayout } from "@pruning-bias/pruning";
import { ndarray } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import { embedder, seat } from "./index.ts";

type Effects = Record<string, number>;

interface Fixture {
  model: string;
  open: Effects;
  closed: (Effects & { layer: number; head: number })[];
}

describeGolden("SEAT of a pruned encoder", "where_minilm.json", (path) => {
  const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;

  describe.skipIf(dataDir === undefined)(`${fixture.model} in data/`, () => {
    it("with all value heads open, and with one closed by its score", async () => {
      const dir = join(dataDir!, fixture.model);
      const checkpoint = await loadCheckpoint(dir);
      const { hidden_size: D, num_attention_heads: H } = checkpoint.config;
      const block: [number, number] = [D / H, D];
      const layout = scoreLayout(
        checkpoint.config,
        parsePruningSettings({ attention: { block }, dense: { method: "disabled" }, valuesOnly: true }),
      );
      const scores = initialScores(layout);
      const tokenizer = await loadTokenizer(dir);
      const embed = embedder({ checkpoint, tokenizer, pruned: { layout, scores, threshold: 0.1 } });
      const names = Object.keys(fixture.open);
      const tests = await Promise.all(names.map((name) => readSeat(join(dataDir!, "seat", `${name}.jsonl`))));
      const effects = async (current: typeof scores): Promise<number[]> => {
        const options = { protocol: "cls", samples: 1000 } as const;
        const results = await seat({ tests, embed: (all) => embed(all, { scores: current }), ...options });
        return results.map(({ effectSize }) => effectSize);
      };

      expect(await effects(scores)).toEqual(near(fixture.open));
      for (const expected of telling(fixture)) {
        const name = `encoder.layer.${expected.layer}.attention.self.value.mask_module.context_modules.0.mask_scores`;
        const closed = new Float32Array(H);
        closed[expected.head] = -5;
        expect(await effects({ ...scores, [name]: ndarray(closed, [H, 1]) })).toEqual(near(expected));
      }
      await embed.dispose();
    });
  });

  const near = (expected: Effects) => Object.keys(fixture.open).map((name) => expect.closeTo(expected[name]!, 4));
});

/** The heads with the strongest effect, and the last one: all of them would take a minute. */
function telling({ open, closed }: Fixture): Fixture["closed"] {
  const change = (row: Effects) => Object.keys(open).reduce((sum, name) => sum + Math.abs(row[name]! - open[name]!), 0);
  return [...closed.toSorted((a, b) => change(b) - change(a)).slice(0, 2), closed.at(-1)!];
}
