import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeGolden, golden } from "@pruning-bias/oracle";
import { expect, test } from "vitest";
import { loadTokenizer } from "./tokenizer.ts";

interface Case {
  tokenizer: string;
  rows: { text: string; pair?: string; input_ids: number[]; token_type_ids: number[] }[];
}

describeGolden("each family's own tokenizer", "families/tokens.json", (path) => {
  const cases = JSON.parse(readFileSync(path, "utf8")) as Record<string, Case>;
  test.each(Object.entries(cases))("%s: the ids of the Rust tokenizer", async (_, { tokenizer: folder, rows }) => {
    const models = golden("models");
    if (models === undefined) return;
    const tokenizer = await loadTokenizer(join(models, "..", folder), { maxLength: 128 });
    const got = rows.map(({ text, pair }) => ({ text, pair, ...tokenizer.encode(text, pair) }));
    const expected = rows.map(({ text, pair, input_ids, token_type_ids }) => {
      return { text, pair, inputIds: input_ids, tokenTypeIds: token_type_ids };
    });
    expect(got).toEqual(expected);
  });
});
