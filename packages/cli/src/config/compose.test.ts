import { describe, expect, it } from "vitest";
import { presets } from "../presets/index.ts";
import { compose, digest } from "./compose.ts";
import { parseValue, splitValues } from "./overrides.ts";

describe("composing", () => {
  it("starts from the reference's defaults", () => {
    const { config, origins } = compose([]);
    expect(config.model).toMatchObject({ model_name: "distilbert-base-uncased", loss_alpha: 0.2, loss_beta: 0.8 });
    expect(config.pruning).toBe(null);
    expect(config.exp_name).toBe("distilbert-base-uncased/last-layer/sentence-debias");
    expect(config.datamodule.seat_data["SEAT6"]).toMatch(/sent-weat6\.jsonl$/);
    expect(origins.get("model.loss_alpha")).toBe("default");
  });

  it("takes presets under the reference's names, with overrides and references", () => {
    const { config, origins } = compose(["experiment=debias_block_pruning_frozen", "prune_block_size=64", "seed=7"]);
    expect(config.pruning).toMatchObject({ attention_block_rows: 64, attention_block_cols: 64, final_threshold: 0.1 });
    expect(config.model).toMatchObject({ model_name: "bert-base-uncased", freeze_weights: true });
    expect(config.exp_name).toBe("pruned/B64/bert-base-uncased/last-layer/sentence-debias");
    expect(origins.get("trainer.max_epochs")).toBe("experiment=debias_block_pruning_frozen");
    expect(origins.get("seed")).toBe("seed=7");
  });

  it("takes their names without the prefix as well", () => {
    expect(compose(["experiment=head_pruning_frozen"]).config.pruning).toMatchObject({ attention_block_rows: "head" });
  });

  it.each(Object.keys(presets))("knows %s", (name) => {
    const { config } = compose([`experiment=${name}`]);
    expect(config.experiment).toBe(name);
    expect(config.pretrain === null ? config.model.model_name : "made").toMatch(/^((distil)?bert-|made$)/);
  });

  it("keeps a made-up model and its data in a folder named by how it is made", () => {
    const folder = (...overrides: string[]) => compose(["experiment=demo", ...overrides]).config;
    expect(folder().model.model_name).toBe(`${folder().pretrain_dir}/model`);
    expect(folder("seed=1").pretrain_dir).toBe(folder("seed=2").pretrain_dir);
    expect(folder("pretrain.steps=9").pretrain_dir).not.toBe(folder().pretrain_dir);
    expect(Object.keys(folder().datamodule.seat_data)).toEqual(["career-family", "science-arts", "jobs"]);
  });

  it("keeps a classifier in a folder named by how it is fine-tuned, unless one is named", () => {
    const composed = (...overrides: string[]) => compose(["experiment=glue_then_debias", ...overrides]);
    const folder = (...overrides: string[]) => composed(...overrides).config.model.hf_checkpoint;
    expect(folder()).toMatch(/^runs\/classifiers\/bert-base-uncased\/cola-42-[0-9a-f]{8}$/);
    expect(composed().origins.get("model.hf_checkpoint")).toContain(": runs/classifiers/${model.model_name}/${glue}-");
    for (const same of ["seed=1", "model.learning_rate=1", "model.embedding_layer=all", "trainer.max_steps=1"])
      expect(folder(same), same).toBe(folder());
    for (const other of ["finetune.epochs=1", "data_dir=d", "datamodule.glue_data=g", "backend=onnx-cpu"])
      expect(folder(other), other).not.toBe(folder());
    expect(folder("finetune.epochs=1", "finetune.seed=${seed}", "seed=1")).not.toBe(
      folder("finetune.epochs=1", "finetune.seed=${seed}", "seed=2"),
    );
    expect(folder("model.hf_checkpoint=runs/classifiers/mine")).toBe("runs/classifiers/mine");
    expect(composed("exp_name='${model.hf_checkpoint}'").config.exp_name).toBe(folder());
  });
});

describe("debug=true", () => {
  it("leaves one batch of everything, whatever is set, and says so", () => {
    const { config, origins } = compose([
      "experiment=demo",
      "debug=true",
      "finetune.batch_size=9",
      "finetune.epochs=7",
    ]);
    expect(config.trainer).toMatchObject({ max_epochs: 1, limit_train_batches: 1, limit_val_sentences: 32 });
    expect(config.finetune).toMatchObject({ epochs: 1, limit_train: 9, limit_validation: 9 });
    expect(config.pretrain!.steps).toBe(1);
    expect(origins.get("finetune.epochs")).toBe("debug=true");
    const { alternative } = compose(["experiment=debias_cda", "trainer.fast_dev_run=true"]).config;
    expect(alternative!.steps).toBe(1);
  });

  it("composes to the same again", () => {
    const { config } = compose(["experiment=glue_then_debias", "debug=true"]);
    const again = ["experiment=glue_then_debias", "debug=true", `model.hf_checkpoint=${config.model.hf_checkpoint}`];
    expect(compose(again).config).toEqual(config);
  });
});

describe("a wrong override is refused in one line", () => {
  it.each([
    [
      "experiment=debias_blok_pruning_frozen",
      'experiment: expected a preset, got "debias_blok_pruning_frozen"; did you mean debias_block_pruning_frozen?',
    ],
    ["model.debias_mod=token", "model.debias_mod: expected a known setting; did you mean model.debias_mode?"],
    ["zz=1", "zz: expected a known setting; pruning-bias config lists them"],
    ["experiment=xyz", 'experiment: expected a preset, got "xyz"; they are debias, debias_block_pruning_frozen, '],
    ["learning_rate=1", "learning_rate: expected a known setting; did you mean model.learning_rate?"],
    ["model.debias_mode=word", 'model.debias_mode: expected "sentence" | "token", got "word"'],
    ["seed=-1", "seed: expected a number >=0, got -1"],
    ["trainer.max_epochs=many", 'trainer.max_epochs: expected number, got "many"'],
    ["trainer.precision=8", "trainer.precision: expected 32 or 16, got 8"],
    ["trainer.gpus=65", "trainer.gpus: expected a number <=64, got 65"],
    ["trainer.devices=0", "trainer.devices: expected a number >0, got 0"],
    ["backend=cpu", 'backend: expected "auto" | "onnx-cpu" | '],
    [
      "pruning.final_threshold=.2",
      "pruning.final_threshold: expected an experiment with pruning, got experiment=debias, which has none",
    ],
    ["model.learning_rate=${model.learning_rate}", "circle"],
    ["model.model_name=${nothing}", "${nothing}: expected the name of a setting"],
    ["__proto__.polluted=1", "__proto__.polluted: expected a known setting"],
    ["model.freeze_weights=true", "model.freeze_weights: expected false where nothing is pruned"],
    ["seed", "seed: expected key=value, got no key"],
  ])("%s", (override, message) => {
    expect(() => compose([override])).toThrow(message);
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
  });
});

it.each([
  ["max_epoch=3", "trainer.max_epochs"],
  ["mode=token", "model.debias_mode"],
  ["loss_form=direction", "model.debias_loss_form"],
  ["batchsize=8", "datamodule.batch_size"],
  ["treshold=.1", "pruning.initial_threshold"],
  ["epochs=9", "trainer.max_epochs"],
  ["models.embedding_layer=all", "model.embedding_layer"],
  ["gpu=1", "trainer.gpus"],
  ["experiment=blok", "debias_block_pruning_frozen"],
  ["experiment=heads", "debias_head_pruning_frozen"],
  ["experiment=seat", "sensitive_seat"],
  ["experiment=head_prunning_frozen_shared", "debias_head_pruning_frozen_shared"],
])("%s: did you mean %s?", (override, nearest) => {
  expect(() => compose([override])).toThrow(`did you mean ${nearest}?`);
});

it("the devices to debias on are the GPUs that were asked for", () => {
  expect(compose(["trainer.gpus=2", "trainer.devices=2"]).config.trainer).toMatchObject({ gpus: 2, devices: 2 });
  const contrary = () => compose(["trainer.gpus=2", "trainer.devices=3"]);
  expect(contrary).toThrow("trainer.devices: expected 2, as trainer.gpus says, or null, got 3");
});

it("values are read as YAML would", () => {
  const texts = ["1e-3", "-.5", "True", "null", "last", "'1'", '["a,b"]', "12ab"];
  expect(texts.map(parseValue)).toEqual([0.001, -0.5, true, null, "last", "1", ["a,b"], "12ab"]);
});

it("comma lists are split outside of quotes and brackets", () => {
  expect(splitValues("a, b,'c,d',[1,2]")).toEqual(["a", "b", "'c,d'", "[1,2]"]);
});

it("a digest does not depend on the order of keys", () => {
  expect(digest({ a: 1, b: { c: 2, d: 3 } })).toBe(digest({ b: { d: 3, c: 2 }, a: 1 }));
});
