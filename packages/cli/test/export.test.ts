import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCheckpoint } from "@pruning-bias/model";
import { beforeAll, expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
beforeAll(async () => {
  small = await smallModel();
});

it("export writes a model with its tokenizer, an ONNX model and a card", async () => {
  const to = join(small.dir, "exported");
  const { code, stdout, stderr } = await run(["export", small.model, "--to", to, "--onnx", "--json"]);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("BertForMaskedLM") });
  expect(JSON.parse(stdout)).toMatchObject({ folder: to, architecture: "BertForMaskedLM", onnx: true });
  for (const file of ["config.json", "model.safetensors", "tokenizer.json", "onnx/model.onnx"]) {
    expect(existsSync(join(to, file)), file).toBe(true);
  }
  expect(await readFile(join(to, "README.md"), "utf8")).toContain("pipeline_tag: fill-mask");
  expect((await loadCheckpoint(to)).weights).toStrictEqual((await loadCheckpoint(small.model)).weights);
});

it("export takes the model that a run has trained, and its card says how", async () => {
  const [out, to] = [join(small.dir, "run"), join(small.dir, "of-run")];
  const trained = await run(["train", ...small.overrides, "experiment=debias", "--out", out]);
  expect(trained.code).toBe(0);
  const { code } = await run(["export", out, "--to", to, "--dtype", "float16"]);
  expect(code).toBe(0);
  const card = await readFile(join(to, "README.md"), "utf8");
  expect(card).toContain("in 3 steps");
  expect(card).toContain('"embedding_layer"');
  expect((await loadCheckpoint(to)).dtype).toBe("float16");
});

it("export says in one line what is wrong", async () => {
  const wrong = await run(["export", small.model, "--to", join(small.dir, "x"), "--dtype", "int8"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr.trim()).toBe("error: --dtype: expected float32 | float16 | bfloat16, got int8");
  const none = await run(["export", "./no/such/folder", "--to", join(small.dir, "x")]);
  expect(none.code).toBe(1);
  expect(none.stderr.trim().split("\n")).toHaveLength(1);
});
