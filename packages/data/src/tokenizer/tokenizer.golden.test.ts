import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeData, describeGolden } from "@pruning-bias/oracle";
import { beforeAll, expect, test } from "vitest";
import { readGlue } from "../glue/read.ts";
import type { GlueTask } from "../glue/tasks.ts";
import { loadTokenizer, type Tokenizer } from "./tokenizer.ts";

interface Row {
  text: string;
  pair?: string;
  input_ids: number[];
  token_type_ids?: number[];
}

interface GlueRow {
  task: GlueTask;
  split: string;
  row: number;
  idx: number;
  label: number;
  input_ids: number[];
  token_type_ids: number[];
}

describeData("bert-base-uncased", "tokenizer/bert-base-uncased", (dir) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(dir);
  });

  describeGolden("hard strings", "tokenize.jsonl", (path) => {
    test("get the ids of the Rust tokenizer", () => {
      const rows = readRows<Row>(path);
      const got = rows.map(({ text, pair }) => ({ text, pair, ...tokenizer.encode(text, pair) }));
      const expected = rows.map(({ text, pair, input_ids, token_type_ids }) => {
        return { text, pair, inputIds: input_ids, tokenTypeIds: token_type_ids ?? input_ids.map(() => 0) };
      });
      expect(got).toEqual(expected);
    });
  });

  describeGolden("GLUE", "glue_tokenize.jsonl", (path) => {
    describeData("from the hub's files", "hub/datasets/nyu-mll/glue", (glue) => {
      const rows = readRows<GlueRow>(path);
      const splits = [...new Set(rows.map((row) => join(row.task, row.split)))];
      test.each(splits)("%s reads and tokenises as in run_glue", async (name) => {
        const [task, split] = name.split(/[/\\]/) as [GlueTask, string];
        const examples = await readGlue(glue, task, split);
        for (const row of rows.filter((row) => row.task === task && row.split === split)) {
          const { inputIds, tokenTypeIds } = tokenizer.encode(examples.first[row.row]!, examples.second?.[row.row]);
          expect(inputIds).toEqual(row.input_ids);
          expect(tokenTypeIds).toEqual(row.token_type_ids);
          expect(examples.idx[row.row]).toBe(row.idx);
          expect(examples.labels[row.row]).toBe(row.label);
        }
      });
    });
  });
});

function readRows<T>(path: string): T[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}
