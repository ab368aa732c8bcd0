import { describe, expect, it } from "vitest";
import { parseSweep, points } from "./points.ts";
import { sweepName } from "./sweep-file.ts";

const command = [
  "experiment=debias_block_pruning_frozen",
  "model.embedding_layer=last,all",
  "model.debias_mode=sentence,token",
  "prune_block_size=32,64",
];

describe("a grid", () => {
  it("has a point for every combination: the reference's first command line has eight", () => {
    const eight = points(parseSweep(command));
    expect(eight).toHaveLength(8);
    expect(eight[0]).toEqual({
      name: "embedding_layer=last,debias_mode=sentence,prune_block_size=32",
      overrides: [command[0], "model.embedding_layer=last", "model.debias_mode=sentence", "prune_block_size=32"],
    });
    expect(new Set(eight.map(({ name }) => name)).size).toBe(8);
  });

  it("without several values is one point", () => {
    expect(points(parseSweep(["seed=1"]))).toEqual([{ name: "run", overrides: ["seed=1"] }]);
  });

  it("names points by values that are no file names", () => {
    const named = points(parseSweep(["model.model_name=google/electra,../etc", "a.seed=1,2", "b.seed=3,4"]));
    expect(named[0]!.name).toBe("model_name=google_electra,a.seed=1,b.seed=3");
    expect(named.at(-1)!.name).toBe("model_name=.._etc,a.seed=2,b.seed=4");
  });

  it("refuses values that cannot be told apart, and empty ones", () => {
    expect(() => points(parseSweep(["model.model_name=a/b,a:b"]))).toThrow("different names");
    expect(() => parseSweep(["seed=1,,2"])).toThrow("seed=1,,2: expected a value between commas");
    expect(() => parseSweep(["seed=1,2", "seed=3"])).toThrow("seed=3: expected each key once");
  });
});

describe("a sweep's name", () => {
  it("does not change when the grid grows", () => {
    expect(sweepName(parseSweep(command))).toBe("debias_block_pruning_frozen");
    expect(sweepName(parseSweep([...command, "seed=1,2"]))).toBe("debias_block_pruning_frozen");
  });

  it("is no experiment's where there are several", () => {
    expect(sweepName(parseSweep(["experiment=debias,sensitive_seat"]))).toBe("experiments");
  });

  it("changes with what all points share", () => {
    expect(sweepName(parseSweep(["seed=1"]))).toMatch(/^debias-[0-9a-f]{8}$/);
    expect(sweepName(parseSweep(["seed=1"]))).not.toBe(sweepName(parseSweep(["seed=2"])));
  });
});

describe("what cannot be run is refused before anything runs", () => {
  it("a task that GLUE has not", () => {
    expect(() => parseSweep(["seed=1"], ["colla"])).toThrow("--glue: expected cola | sst2 | mrpc");
  });
});

it("quotes are no part of a point's name", () => {
  expect(points(parseSweep(["glue='cola','sst2'"])).map(({ name }) => name)).toEqual(["glue=cola", "glue=sst2"]);
});
