import { describe, expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { rerunCommand, rerunSweepCommand } from "./rerun.ts";
import { isSecret } from "../config/secrets.ts";

const point = (config?: Record<string, unknown>) => ({
  name: "a",
  steps: [],
  validations: [],
  glue: [],
  ...(config && { config }),
});
const again = (...overrides: string[]) => rerunCommand(point(compose(overrides).config));

describe("the command that runs a point again", () => {
  it("is its preset and the fewest overrides", () => {
    expect(again("experiment=debias_block_pruning_frozen", "model.embedding_layer=all", "prune_block_size=64")).toBe(
      "pnpm pruning-bias train experiment=debias_block_pruning_frozen prune_block_size=64 model.embedding_layer=all",
    );
  });

  it("composes to the settings it was made from", () => {
    const overrides = ["experiment=debias_head_pruning_frozen", "model.model_name='12'", "seed=7", "glue='a,b'"];
    const words = again(...overrides)!
      .split(" ")
      .slice(3)
      .map((word) => word.replace(/^'(.*)'$/s, "$1").replaceAll("'\\''", "'"));
    expect(compose(words).config).toEqual(compose(overrides).config);
  });

  it("quotes for the shell", () => {
    expect(again("model.model_name=a folder/$HOME")).toBe(
      "pnpm pruning-bias train experiment=debias 'model.model_name=a folder/$HOME'",
    );
  });

  it("leaves out what training is not given: a sweep's points hold defaults there", () => {
    const { finetune: _, ...config } = compose(["experiment=demo", "seed=7"]).config;
    const stored = compose([]).config;
    const point = { ...config, finetune: stored.finetune, datamodule: { ...config.datamodule, glue_data: "g" } };
    expect(rerunCommand({ name: "a", steps: [], validations: [], glue: [], config: point })).toBe(
      "pnpm pruning-bias train experiment=demo seed=7",
    );
  });

  it("of a whole sweep names it", () => {
    expect(rerunSweepCommand("demo")).toBe("pnpm pruning-bias sweep name=demo");
  });

  it("gives every setting where they compose no more", () => {
    expect(rerunCommand(point({ experiment: "debias", gone: { key: 1 }, seed: 42 }))).toBe(
      "pnpm pruning-bias train experiment=debias gone.key=1 seed=42",
    );
  });

  it("is not known without settings", () => {
    expect(rerunCommand(point())).toBe(undefined);
  });
});

it.each([
  ["hub.token", "abc", true],
  ["url", "https://me:pass@example.org/x", true],
  ["name", `hf_${"a".repeat(30)}`, true],
  ["model.debias_mode", "token", false],
  ["url", "https://example.org:8080/x", false],
])("%s=%s: is it a secret? %s", (path, value, secret) => {
  expect(isSecret(path, value)).toBe(secret);
});
