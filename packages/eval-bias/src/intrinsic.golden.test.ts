import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer, readCrowsPairs, readStereoSet } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { dataDir, describeGolden } from "@pruning-bias/oracle";
import { eager, jit } from "@pruning-bias/runtime";
import { describe, expect, it } from "vitest";
import {
  crowsPairs,
  crowsRates,
  type Interval,
  maskedLm,
  stereoSet,
  stereoSetRates,
  type StereoSetRates,
  wordClozes,
} from "./index.ts";

interface CrowsFixture {
  metric_score: number;
  printed: Record<string, string>;
  scored: number;
  pairs: {
    row: number;
    direction: "stereo" | "antistereo";
    scores?: [number, number];
    skipped?: true;
    input_ids?: [number[], number[]];
    unchanged_sums?: [number, number];
  }[];
}

interface StereoSetFixture {
  results: Record<string, { count: number; targets: number; lm: number; ss: number; icat: number }>;
  unscored: string[];
  scores: Record<string, number>;
  inputs: { id: string; word: string; masked: { text: string; input_ids: number[]; token: number }[] }[];
}

interface Rules {
  crows: { metric_score: number; printed: Record<string, string>; scores: [number, number][] };
  stereoset: Pick<StereoSetFixture, "results" | "scores">;
}

const json = <T>(path: string) => JSON.parse(readFileSync(path, "utf8")) as T;
const file = (name: string) => join(dataDir!, "intrinsic", name);
const crows = () => readCrowsPairs(file("crows_pairs_anonymized.csv"), "gender");
const examples = () => readStereoSet(file("stereoset_dev.json"));

for (const family of ["bert", "roberta"]) {
  describeGolden(`bias-bench's scores of a tiny ${family}`, `intrinsic/tiny-${family}/model.safetensors`, (weights) => {
    describe.skipIf(dataDir === undefined)("on the test sets in data/", () => {
      const dir = join(weights, "..");
      const load = async (run = jit) => {
        const tokenizer = await loadTokenizer(dir);
        return { tokenizer, predict: maskedLm({ checkpoint: await loadCheckpoint(dir), tokenizer, jit: run }) };
      };

      describe("CrowS-Pairs", () => {
        const fixture = json<CrowsFixture>(join(dir, `../crows-${family}.json`));

        it("as bias-bench scores them", async () => {
          const { tokenizer, predict } = await load();
          const result = await crowsPairs(predict, tokenizer, await crows());
          expect(result.protocol).toBe("bias-bench");
          expect(result.pairs).toBe(fixture.scored);
          expect(result.skipped).toEqual(fixture.pairs.flatMap(({ row, skipped }) => (skipped ? [row] : [])));
          const scored = fixture.pairs.filter(({ scores }) => scores !== undefined);
          expect(result.scores.map(({ row }) => row)).toEqual(scored.map(({ row }) => row));
          expect(result.scores.map(({ more, less }) => [more, less])).toEqual(
            scored.map(({ direction, scores }) => moreFirst(direction, scores!).map(near)),
          );
          expect(printed(result)).toEqual(fixture.printed);
          await predict.dispose();
        });

        it("as their authors score them: tokens that both sentences have", async () => {
          const { tokenizer, predict } = await load();
          const known = fixture.pairs.filter(({ unchanged_sums }) => unchanged_sums !== undefined);
          const rows = new Set(known.map(({ row }) => row));
          const pairs = (await crows()).filter(({ row }) => rows.has(row));
          const result = await crowsPairs(predict, tokenizer, pairs, { protocol: "paper" });
          expect(pairs.map(({ more, less }) => [more, less].map((text) => tokenizer.encode(text).inputIds))).toEqual(
            known.map(({ direction, input_ids }) => moreFirst(direction, input_ids!)),
          );
          expect(result.scores.map(({ more, less }) => [more, less])).toEqual(
            known.map(({ direction, unchanged_sums }) => moreFirst(direction, unchanged_sums!).map(near)),
          );
          await predict.dispose();
        });

        it("eagerly as compiled", async () => {
          const [compiled, plain] = [await load(), await load(eager)];
          const pairs = (await crows()).slice(0, 6);
          const [first, second] = [
            await crowsPairs(compiled.predict, compiled.tokenizer, pairs),
            await crowsPairs(plain.predict, plain.tokenizer, pairs),
          ];
          expect(second.scores.map(({ more }) => more)).toEqual(first.scores.map(({ more }) => near(more)));
          await Promise.all([compiled.predict.dispose(), plain.predict.dispose()]);
        });
      });

      describe("StereoSet", () => {
        const fixture = json<StereoSetFixture>(join(dir, `../stereoset-${family}.json`));

        it("asks for each token of a word as the original does", async () => {
          const tokenizer = await loadTokenizer(dir);
          const contexts = new Map(
            (await examples()).flatMap(({ context, sentences }) =>
              Object.values(sentences).map(({ id, word }) => [id, { context, word }] as const),
            ),
          );
          for (const { id, word, masked } of fixture.inputs) {
            const own = contexts.get(id)!;
            expect(own.word).toBe(word);
            const clozes = wordClozes(own.context, own.word, tokenizer);
            expect(clozes.map(({ inputIds }) => inputIds)).toEqual(masked.map(({ input_ids }) => input_ids));
            expect(clozes.map(({ asked }) => asked[0]!.token)).toEqual(masked.map(({ token }) => token));
          }
        });

        it("scores and rates as bias-bench gives them", async () => {
          const { tokenizer, predict } = await load();
          const all = await examples();
          const result = await stereoSet(predict, tokenizer, all, { samples: 100 });
          expect(result.unscored).toEqual(fixture.unscored);
          const ids = Object.keys(fixture.scores);
          expect(Object.keys(result.scores).toSorted()).toEqual(ids.toSorted());
          expect(ids.map((id) => result.scores[id])).toEqual(ids.map((id) => near(fixture.scores[id]!)));
          expect(plain(result.rates)).toEqual(rounded(fixture.results));
          await predict.dispose();
        });
      });
    });
  });
}

describeGolden("bias-bench's counting", "intrinsic/rules.json", (path) => {
  const rules = json<Rules>(path);

  describe.skipIf(dataDir === undefined)("on the test sets in data/", () => {
    it("CrowS-Pairs with many ties", async () => {
      const { scores, printed: expected } = rules.crows;
      // bias-bench scores no pair without a changed token: as many pairs as there are scores are left.
      const directions = (await crows()).filter(({ row }) => row !== 1442).map(({ direction }) => direction);
      expect(directions).toHaveLength(scores.length);
      const oriented = scores.map((pair, n) => moreFirst(directions[n]!, pair));
      const rates = crowsRates(
        oriented.map(([more, less]) => ({ more: more!, less: less! })),
        directions,
      );
      expect(printed(rates)).toEqual(expected);
    });

    it("StereoSet with many ties", async () => {
      const rates = stereoSetRates(await examples(), rules.stereoset.scores, { samples: 100 });
      expect(plain(rates)).toEqual(rounded(rules.stereoset.results));
    });
  });
});

const near = (expected: number): unknown => expect.closeTo(expected, 5 - Math.ceil(Math.log10(Math.abs(expected))));

const moreFirst = <T>(direction: "stereo" | "antistereo", [first, second]: readonly [T, T]): [T, T] =>
  direction === "stereo" ? [first, second] : [second, first];

/** What bias-bench prints, with Python's way to write a float of two decimals. */
const printed = (result: {
  pairs: number;
  metric: number;
  stereotype: number;
  antiStereotype: number;
  neutral: number;
}) => {
  const two = (value: number) => {
    const text = String(Number(value.toFixed(2)));
    return text.includes(".") ? text : `${text}.0`;
  };
  return {
    "Total examples": String(result.pairs),
    "Metric score": two(result.metric),
    "Stereotype score": two(result.stereotype),
    "Anti-stereotype score": two(result.antiStereotype),
    "Num. neutral": two(result.neutral),
  };
};

const plain = (rates: Record<string, StereoSetRates & { ssInterval: Interval | null }>) =>
  Object.fromEntries(
    Object.entries(rates).map(([name, { examples, targets, lm, ss, icat }]) => [
      name,
      { examples, targets, lm, ss, icat },
    ]),
  );

const rounded = (results: StereoSetFixture["results"]) =>
  Object.fromEntries(
    Object.entries(results).map(([name, { count, targets, lm, ss, icat }]) => [
      name,
      {
        examples: count,
        targets,
        lm: expect.closeTo(lm, 10),
        ss: expect.closeTo(ss, 10),
        icat: expect.closeTo(icat, 10),
      },
    ]),
  );
