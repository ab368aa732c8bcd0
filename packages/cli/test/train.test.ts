import { existsSync } from "node:fs";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
beforeAll(async () => {
  small = await smallModel();
});

const train = async (overrides: readonly string[], env: NodeJS.ProcessEnv = {}) => {
  const out = join(await temporary(), "run");
  const ended = await run(["train", ...small.overrides, ...overrides, "--out", out, "--json"], { env });
  return { ...ended, out };
};

describe("a run", () => {
  it("leaves settings, metrics, scores and masks", async () => {
    const { code, stdout, stderr, out } = await train([]);
    expect(stderr).toMatch(/step 3\/3 {2}loss \d/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 3 });
    expect((await readdir(out)).toSorted()).toEqual([
      "config.json",
      "masks.json",
      "metrics.jsonl",
      "scores.safetensors",
      "summary.json",
    ]);
    const rows = (await readFile(join(out, "metrics.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; loss: number });
    expect(rows.filter(({ kind }) => kind === "step")).toHaveLength(3);
    expect(rows.filter(({ kind }) => kind === "validation").length).toBeGreaterThan(1);
    rows.filter(({ kind }) => kind === "step").forEach(({ loss }) => expect(loss).toBeGreaterThan(0));
  });

  it("is the same to the bit when it is run again", async () => {
    const [first, second] = [await train([]), await train([])];
    const scores = await Promise.all([first, second].map(({ out }) => readFile(join(out, "scores.safetensors"))));
    expect(scores[0]!.equals(scores[1]!)).toBe(true);
  });

  it("without pruning leaves a model that can be run in turn", async () => {
    const first = await train(["experiment=debias"]);
    expect(first.stderr).not.toContain("error");
    expect(await readdir(join(first.out, "model"))).toContain("model.safetensors");
    const again = await train([`model.hf_checkpoint=${join(first.out, "model")}`]);
    expect(again.code).toBe(0);
  });
});

it("a run leaves nothing of one that was in its folder before", async () => {
  const { out } = await train(["experiment=debias"]);
  expect(existsSync(join(out, "model"))).toBe(true);
  const { code } = await run(["train", ...small.overrides, "--out", out]);
  expect(code).toBe(0);
  expect(existsSync(join(out, "model"))).toBe(false);
  expect(existsSync(join(out, "masks.json"))).toBe(true);
});

it("warm-ups that take the whole run are warned of", async () => {
  const { stderr } = await train(["model.warmup_steps=2"]);
  expect(stderr).toContain("the threshold jumps");
});

describe("bad input is refused in one line, and leaves nothing that looks whole", () => {
  const refused = async (
    overrides: readonly string[],
    message: string | RegExp,
    code = 1,
    env: NodeJS.ProcessEnv = {},
  ) => {
    const ended = await train(overrides, env);
    const errors = ended.stderr.split("\n").filter((line) => line.startsWith("error: "));
    expect(errors, ended.stderr).toHaveLength(1);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(errors[0]).toMatch(message);
    expect(ended.code).toBe(code);
    for (const file of ["config.json", "summary.json", "scores.safetensors"])
      expect(existsSync(join(ended.out, file))).toBe(false);
  };

  it("an unknown preset, with the nearest", async () => {
    await refused(["experiment=debias_hed_pruning_frozen"], "did you mean debias_head_pruning_frozen?", 2);
  });

  it("an unknown key, with the nearest", async () => {
    await refused(["model.embeding_layer=last"], "did you mean model.embedding_layer?", 2);
  });

  it("an impossible value", async () => {
    await refused(["model.embedding_layer=second"], /expected "first" \| "last" .* got "second"/, 2);
  });

  it("a block that does not divide", async () => {
    await refused(["prune_block_size=7"], /attention_block_rows: .*7.* does not divide|attention_block_rows.*divi/);
  });

  it("a missing file", async () => {
    await refused(["datamodule.datafiles.plaintext=/nowhere/corpus.txt"], "/nowhere/corpus.txt");
  });

  it("a corpus without female sentences", async () => {
    const corpus = join(await temporary(), "men.txt");
    await writeFile(corpus, "He is a king.\nThe father met his son.\nThe nurse slept.\n".repeat(50));
    await refused([`datamodule.datafiles.plaintext=${corpus}`], /men\.txt: expected .*female.*, (found|got) none/);
  });

  it("a gzip that was cut short", async () => {
    const corpus = join(await temporary(), "cut.txt.gz");
    const whole = gzipSync(await readFile(join(small.dir, "data/corpus.txt")));
    await writeFile(corpus, whole.subarray(0, whole.length / 2));
    await refused([`datamodule.datafiles.plaintext=${corpus}`], "cut.txt.gz");
  });

  it("a model that was cut short", async () => {
    const model = join(await temporary(), "model");
    await cp(small.model, model, { recursive: true });
    const weights = await readFile(join(model, "model.safetensors"));
    await writeFile(join(model, "model.safetensors"), weights.subarray(0, weights.length - 100));
    await refused([`model.model_name=${model}`], /model\.safetensors: .*cut short/);
  });

  it("a hub that cannot be reached", async () => {
    const env = { HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: await temporary() };
    await refused(["model.model_name=someone/some-model"], /127\.0\.0\.1:9/, 1, env);
  });
});

it("metrics of a run that was cut off do not look whole", async () => {
  const { out } = await train(["trainer.max_steps=1"]);
  expect(existsSync(join(out, "metrics.jsonl.part"))).toBe(false);
});
