import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeData } from "@pruning-bias/oracle";
import { expect, test } from "vitest";
import { temporaryDir } from "../../test/temporary.ts";
import { downloadGlue } from "./download.ts";
import { readGlue } from "./read.ts";
import { type GlueTask, type GlueTaskInfo, glueTasks } from "./tasks.ts";
import { writeTsv } from "./tsv.ts";

const dir = temporaryDir();

function file(folder: string, path: string, content: string | Uint8Array): string {
  mkdirSync(join(dir(), folder, path, ".."), { recursive: true });
  writeFileSync(join(dir(), folder, path), content);
  return join(dir(), folder);
}

test("tab-separated values read with a header in any order, quotes as they are", async () => {
  const source = file("tsv", "mrpc/train.tsv", 'label\tsentence2\tsentence1\n1\tb "c"\ta\n0\td\te\n');
  expect(await readGlue(source, "mrpc", "train")).toEqual({
    first: ["a", "e"],
    second: ['b "c"', "d"],
    labels: Int32Array.of(1, 0),
    idx: Int32Array.of(0, 1),
  });
});

test("scores of a regression are numbers with a fraction; test labels may be -1", async () => {
  const source = file("scores", "stsb/train.tsv", "sentence1\tsentence2\tlabel\tidx\na\tb\t3.2\t7\n");
  file("scores", "cola/test.tsv", "sentence\tlabel\na\t-1\n");
  expect(await readGlue(source, "stsb", "train")).toMatchObject({
    labels: Float64Array.of(3.2),
    idx: Int32Array.of(7),
  });
  expect(await readGlue(source, "cola", "test")).toMatchObject({ labels: Int32Array.of(-1) });
});

test.each([
  [
    "a label too high",
    "sentence\tlabel\na\t1\nb\t2\n",
    /train\.tsv:3: expected an integer from 0 to 1 in label, got 2$/,
  ],
  ["a label missing", "sentence\tlabel\na\t\n", /train\.tsv:2: expected an integer from 0 to 1 in label, got $/],
  ["a label in words", "sentence\tlabel\na\tyes\n", /train\.tsv:2: expected an integer from 0 to 1 in label, got yes$/],
  ["no such column", "text\tlabel\na\t1\n", /train\.tsv: expected a column sentence, found none$/],
  ["too few columns", "sentence\tlabel\na\n", /train\.tsv:2: expected 2 columns, got 1$/],
])("%s is refused in one line", async (name, text, message) => {
  const source = file(name, "cola/train.tsv", text);
  await expect(readGlue(source, "cola", "train")).rejects.toThrow(message);
});

test("a missing split names both forms it may have", async () => {
  await expect(readGlue(dir(), "rte", "train")).rejects.toThrow(
    /rte: expected train-00000-of-00001\.parquet or train\.tsv, found neither$/,
  );
});

test("values with tabs are not written", async () => {
  await expect(writeTsv(join(dir(), "bad.tsv"), ["a"], [["b\tc"]])).rejects.toThrow(
    /bad\.tsv:2: expected a text without tabs and line ends, got b\tc$/,
  );
});

test("the hub is asked as for models: with the token, again where it is busy, and not at all offline", async () => {
  const asked: [url: string, token: string | null][] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    asked.push([String(url), new Headers(init?.headers).get("authorization")]);
    return asked.length === 1 ? new Response("", { status: 503 }) : new Response("bytes");
  };
  const hub = { endpoint: "http://hub.test/", token: "secret", cacheDir: join(dir(), "hub"), fetch, retryDelay: 1 };
  const options = { ...hub, task: "cola", splits: ["train"] } as const;
  const folder = await downloadGlue(options);
  expect(readFileSync(join(folder, "cola/train-00000-of-00001.parquet"), "utf8")).toBe("bytes");
  const url = "http://hub.test/datasets/nyu-mll/glue/resolve/main/cola/train-00000-of-00001.parquet";
  expect(asked).toEqual(Array(2).fill([url, "Bearer secret"]));
  expect(await downloadGlue({ ...options, offline: true })).toBe(folder);
  await expect(downloadGlue({ ...options, task: "rte", offline: true })).rejects.toThrow(
    /^nyu-mll\/glue: expected rte\/train-00000-of-00001\.parquet in .*, found none, and is to ask nobody \(offline\)$/,
  );
  expect(asked).toHaveLength(2);
});

describeData("the hub's files", "hub/datasets/nyu-mll/glue", (glue) => {
  const tasks = Object.entries(glueTasks) as [GlueTask, GlueTaskInfo][];
  test.each(tasks)("%s reads", async (task, { columns, labels, validation }) => {
    for (const split of validation) {
      const examples = await readGlue(glue, task, split);
      expect(examples.first.length).toBeGreaterThan(50);
      expect(examples.second?.length).toBe(columns.length === 2 ? examples.first.length : undefined);
      const kinds = new Set(examples.labels).size;
      expect(labels > 1 ? kinds : 1).toBe(labels);
    }
  });

  test("a Parquet file cut short is named in one line", async () => {
    const bytes = readFileSync(join(glue, "rte/validation-00000-of-00001.parquet"));
    for (const length of [0, 3, 100, bytes.length - 1]) {
      const source = file("cut", "rte/validation-00000-of-00001.parquet", bytes.subarray(0, length));
      await expect(readGlue(source, "rte", "validation")).rejects.toThrow(
        /validation-00000-of-00001\.parquet: expected a whole Parquet file, got .+$/,
      );
    }
  });

  test("they are fetched from the hub once", async () => {
    const asked: string[] = [];
    const fetch = async (url: string | URL | Request) => {
      asked.push(String(url));
      return new Response(readFileSync(join(glue, String(url).split("/resolve/main/")[1]!)));
    };
    const options = { task: "rte", endpoint: "http://hub.test", cacheDir: dir(), fetch } as const;
    const source = await downloadGlue(options);
    expect(await downloadGlue(options)).toBe(source);
    expect(asked[0]).toBe("http://hub.test/datasets/nyu-mll/glue/resolve/main/rte/train-00000-of-00001.parquet");
    expect(asked).toHaveLength(2);
    expect((await readGlue(source, "rte", "validation")).first).toHaveLength(277);
  });
});
