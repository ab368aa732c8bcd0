import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { readEvents } from "../../training/test/read-events.ts";
import { ends } from "../src/report/compare.ts";
import { readSweep } from "../src/report/read.ts";
import { resultsCsv } from "../src/report/results-csv.ts";
import { run, start } from "./command-line.ts";
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

interface Row {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
  readonly best?: boolean;
  readonly undecided?: number;
}
const rowsOf = async (out: string): Promise<Row[]> =>
  (await readFile(join(out, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
const checkpointsOf = async (out: string) =>
  (await readdir(join(out, "checkpoints"))).filter((name) => name.startsWith("step-"));

describe("a run", () => {
  it("leaves settings, metrics, scores and masks", async () => {
    const { code, stdout, stderr, out } = await train([]);
    expect(stderr).toMatch(/step 3\/3 {2}loss \d\S* {2}\d of 8 heads closed {2}\d+ tokens\/s/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 3 });
    const left = await readdir(out);
    expect(left.filter((name) => !name.startsWith("events.out.tfevents.")).toSorted()).toEqual([
      "checkpoints",
      "config.json",
      "masks.json",
      "metrics.jsonl",
      "scores.safetensors",
      "summary.json",
      "train.sha256",
    ]);
    // Of all checkpoints that of the end.
    expect(await checkpointsOf(out)).toEqual(["step-00000003"]);
    expect(stderr).toMatch(/^memory: about \d\.\d GB, of \d+\.\d GB here$/m);
    const rows = await rowsOf(out);
    expect(rows.filter(({ kind }) => kind === "step")).toHaveLength(3);
    expect(rows.filter(({ kind }) => kind === "validation").length).toBeGreaterThan(1);
    rows.filter(({ kind }) => kind === "step").forEach(({ loss }) => expect(loss).toBeGreaterThan(0));
  });

  it("computes on as many devices as it is told to, or says that there are fewer", async () => {
    const on = (devices: number) => train(["backend=onnx-cpu", "threads=2", `trainer.devices=${devices}`]);
    const two = await on(2);
    expect(two.stderr).toMatch(/^backend: onnx-cpu, .+, 2 threads, 2 devices$/m);
    expect(two.code).toBe(0);
    expect(await readdir(two.out)).toContain("scores.safetensors");
    const three = await on(3);
    expect(three.stderr).toMatch(/^error: onnx-cpu: expected at most 2 devices, each a thread or more, got 3$/m);
    expect(three.code).toBe(1);
  });

  it("has the same scores to the bit on one thread and on two, in one graph and in halves", async () => {
    const on = async (threads: number) => {
      const { code, out } = await train(["backend=onnx-cpu", `threads=${threads}`]);
      expect(code).toBe(0);
      return readFile(join(out, "scores.safetensors"));
    };
    expect((await on(1)).equals(await on(2))).toBe(true);
  });

  it("shows its curves to TensorBoard, under the original's names", async () => {
    const { out } = await train(["model.learning_rate=1e-3", "model.freeze_weights=false"]);
    const name = (await readdir(out)).find((file) => file.startsWith("events.out.tfevents."));
    const { values } = await readEvents(join(out, name!));
    const steps = (tag: string) => values.filter((value) => value.tag === tag).map(({ step }) => step);
    for (const tag of ["train/loss_step", "train/loss/prune/regularize_step", "pruning/threshold", "lr-AdamW/pg1"])
      expect(steps(tag), tag).toEqual([1, 2, 3]);
    expect(steps("train/loss/debias_epoch")).toEqual([3]);
    for (const tag of ["validation/loss", "validation/current/loss", "SEAT/SEAT6"])
      expect(steps(tag), tag).toEqual([0, 2, 3]);
    const scores = values.filter(({ tag }) => tag === "scores/encoder.layer.0.attention.self.query");
    expect(scores.map(({ histogram }) => histogram!.count)).toEqual([16, 16, 16]);
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

async function appears(path: string): Promise<void> {
  while (!existsSync(path)) await wait(5);
}

describe("a run that was killed", () => {
  const settings = ["trainer.max_epochs=2", "trainer.limit_train_batches=4", "trainer.max_steps=8"];
  const checkpoints = ["trainer.checkpoint_every=2", "model.freeze_weights=false", "model.learning_rate=1e-3"];
  const results = async (out: string) => {
    const rows = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
    const files = [join(out, "scores.safetensors"), join(out, "model/model.safetensors")];
    return {
      rows: rows.map((row) => ({ ...(JSON.parse(row) as object), seconds: 0 })),
      files: await Promise.all(files.map(async (file) => (await readFile(file)).toString("base64"))),
    };
  };

  it("goes on as if it had never stopped", async () => {
    const whole = await train([...settings, ...checkpoints]);
    expect(whole.stderr).not.toContain("error");
    const out = join(await temporary(), "run");
    const words = ["train", ...small.overrides, ...settings, ...checkpoints, "--out", out];
    const killed = start(words);
    await appears(join(out, "checkpoints/step-00000004"));
    killed.kill("SIGKILL");
    await once(killed, "close");
    expect(existsSync(join(out, "metrics.jsonl"))).toBe(false);

    const resumed = await run([...words, "--resume"]);
    expect(resumed.stderr).toMatch(/going on from \S+step-0000000[46]/);
    expect(await results(out)).toEqual(await results(whole.out));
    const files = (await readdir(out)).filter((name) => name.startsWith("events.out.tfevents."));
    const starts = await Promise.all(files.map(async (name) => (await readEvents(join(out, name))).starts));
    expect(starts.flat()).toHaveLength(1);
  }, 60_000);

  it("does not go on with other settings", async () => {
    const { out } = await train([]);
    const { code, stderr } = await run(["train", ...small.overrides, "seed=7", "--out", out, "--resume"]);
    expect(stderr).toMatch(
      /error: --resume: expected the settings of the run in \S+, got another seed: 42 there, 7 here/,
    );
    expect(code).toBe(2);
  });

  it("starts anew where there is no checkpoint", async () => {
    const { code, stderr } = await train(["--resume"]);
    expect(stderr).toMatch(/no checkpoint in \S+: starting from the first step/);
    expect(code).toBe(0);
  });
});

describe("what a report shows as the end of a run is the model that is kept", () => {
  const ended = async (...overrides: string[]) => {
    const { code, stderr, out } = await train(overrides);
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    const folder = dirname(out);
    const sweep = await readSweep(dirname(folder), basename(folder), [basename(out)]);
    const [header, , point] = resultsCsv(sweep)
      .split("\r\n")
      .map((line) => line.split(","));
    const csv = (name: string) => Number(point![header!.indexOf(name)]);
    return { stderr, out, csv, end: ends(sweep.points[0]!).end!, rows: await rowsOf(out) };
  };

  it("after its gates were settled", async () => {
    const { stderr, out, csv, end, rows } = await ended(
      ...["pruning.settle=greedy", "pruning.settle_sentences=10", "pruning.final_threshold=0.5"],
      ...["trainer.max_steps=8", "trainer.limit_train_batches=8", "prune_block_size=head"],
    );
    expect(stderr).toMatch(/settled by greedy over 2 steps, [1-9]\d* gates changed: debias /);
    const settled = rows.find(({ kind }) => kind === "settled");
    const last = rows.findLast(({ kind }) => kind === "validation");
    expect(settled!.loss).not.toBe(last!.loss);
    expect(end).toMatchObject({ kind: "settled", step: 8, loss: settled!.loss });
    expect(csv("validation.loss.end") / settled!.loss).toBeCloseTo(1, 8);
    expect(csv("undecided")).toBe(settled!.undecided);
    const name = (await readdir(out)).find((file) => file.startsWith("events.out.tfevents."));
    const { values } = await readEvents(join(out, name!));
    const shown = (tag: string) => values.filter((value) => value.tag === tag);
    expect(shown("settled/loss")).toMatchObject([{ step: 8, scalar: Math.fround(settled!.loss) }]);
    for (const tag of ["SEAT/settled/SEAT6", "settled/density/encoder.layer.0.attention.self.value"])
      expect(shown(tag), tag).toHaveLength(1);
  });

  it("of the best validation", async () => {
    const settings = ["trainer.best_checkpoint=true", "trainer.early_stop_patience=2"];
    const { csv, end, rows } = await ended(...worse, ...settings);
    const validations = rows.filter(({ kind, step }) => kind === "validation" && step > 0);
    const best = validations.findLast((row) => row.best)!;
    expect(best.step).toBeLessThan(validations.at(-1)!.step);
    expect(best.loss).toBe(Math.min(...validations.map(({ loss }) => loss)));
    expect(end).toMatchObject({ kind: "validation", step: best.step, loss: best.loss });
    expect(csv("validation.loss.end") / best.loss).toBeCloseTo(1, 8);
  });
});

/** Weights that jump about: the loss falls, then rises. */
const worse = [
  ...["experiment=debias", "model.learning_rate=0.3", "model.loss_alpha=20"],
  ...["trainer.max_steps=12", "trainer.limit_train_batches=12", "trainer.val_check_interval=0.1"],
];

it("a run that stops early leaves a checkpoint of its end, and ends the same from there", async () => {
  const settings = [...worse, "trainer.early_stop_patience=2"];
  const { code, stdout, out } = await train(settings);
  expect(code).toBe(0);
  const { steps } = JSON.parse(stdout) as { steps: number };
  expect(steps).toBeLessThan(12);
  expect(await checkpointsOf(out)).toEqual([`step-${String(steps).padStart(8, "0")}`]);
  const results = async () => ({
    rows: (await rowsOf(out)).map((row) => ({ ...row, seconds: 0 })),
    model: (await readFile(join(out, "model/model.safetensors"))).toString("base64"),
  });
  const before = await results();
  const again = await run(["train", ...small.overrides, ...settings, "--out", out, "--resume"]);
  expect(again.stderr).toMatch(/going on from \S+step-/);
  expect(again.code).toBe(0);
  expect(await results()).toEqual(before);
});

describe("a run that diverges names its step and the last good checkpoint, and leaves no results", () => {
  // The learning rate is 0 at the first step.
  const late = ["model.warmup_steps=1", "trainer.checkpoint_every=1", "trainer.keep_checkpoints=3"];
  const good = "the last good checkpoint is \\S+step-00000001$";
  it.each([
    [
      "by the loss of the next step",
      [...late, "trainer.val_check_interval=1"],
      `^step 3, batch 3 of epoch 1 \\(targets .*\\): .*; ${good}`,
    ],
    ["by a validation", late, `^validation after step 2: expected .*; ${good}`],
    [
      "after the last step",
      ["trainer.max_steps=1"],
      "^validation after step 1: expected .*; there is no good checkpoint$",
    ],
  ])("%s", async (_, overrides, message) => {
    const { code, stderr, out } = await train(["experiment=debias", "model.learning_rate=1e30", ...overrides]);
    const [error] = stderr.split("\n").flatMap((line) => (line.startsWith("error: ") ? [line.slice(7)] : []));
    expect(error).toMatch(new RegExp(message));
    expect(code).toBe(1);
    for (const name of ["metrics.jsonl", "config.json", "model"]) expect(existsSync(join(out, name)), name).toBe(false);
  });
});
