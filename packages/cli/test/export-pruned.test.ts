import { join } from "node:path";
import { loadCheckpoint } from "@pruning-bias/model";
import { beforeAll, expect, it } from "vitest";
import { run } from "./command-line.ts";
import { smallModel } from "./small-model.ts";

let small: Awaited<ReturnType<typeof smallModel>>;
beforeAll(async () => {
  small = await smallModel();
});

it("export makes pruning permanent, dense or compact, and says what the original would remove", async () => {
  const out = join(small.dir, "pruned");
  // From a threshold that closes scores at 0 after a few steps.
  const pruning = ["pruning.attention_block_rows=head", "pruning.attention_block_cols=head"];
  const trained = await run(
    ["train", ...small.overrides, "experiment=debias_head_pruning_frozen", ...pruning].concat(
      ["pruning.mask_scores_learning_rate=2", "pruning.final_threshold=.4"],
      ["--out", out],
    ),
  );
  expect(trained, trained.stderr).toMatchObject({ code: 0 });
  const exported = async (form: string) => {
    const to = join(small.dir, form);
    const { code, stdout, stderr } = await run(["export", out, "--to", to, "--form", form, "--json"]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/nn_pruning would remove \d+ heads/);
    return { ...(await loadCheckpoint(to)), ...(JSON.parse(stdout) as { parameters: number; pruning: object }) };
  };
  const [dense, compact] = [await exported("dense"), await exported("compact")];
  expect(dense.config.compact_layers).toBeUndefined();
  expect(compact.config.compact_layers).toHaveLength(dense.config.num_hidden_layers);
  expect(compact.parameters).toBeLessThanOrEqual(dense.parameters);
  expect(compact.pruning).toMatchObject({ form: "compact", parameters: { after: compact.parameters } });
});

it("a form that there is not is refused", async () => {
  const { code, stderr } = await run(["export", small.model, "--to", join(small.dir, "x"), "--form", "sparse"]);
  expect(code).toBe(2);
  expect(stderr.trim()).toBe("error: --form: expected dense | compact, got sparse");
});
