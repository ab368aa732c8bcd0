import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { run, start } from "./command-line.ts";
import { temporary } from "./small-model.ts";

it("pre-training that was killed goes on as if it had never stopped", async () => {
  const pretrain = {
    ...{ sentences: 2500, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32 },
    ...{ steps: 40, batch_size: 8 },
  };
  const settings = { pretrain, trainer: { checkpoint_every: 4 }, data_dir: await temporary() };
  const env = { RUN_CONFIG: JSON.stringify(settings) };
  const results = async (out: string) => ({
    losses: await readFile(join(out, "pretrain.jsonl"), "utf8"),
    weights: (await readFile(join(out, "model/model.safetensors"))).toString("base64"),
  });

  const whole = join(await temporary(), "whole");
  const { code, stderr } = await run(["pretrain", "--out", whole], { env });
  expect(stderr).toMatch(/pre-training step 40\/40 {2}loss \d/);
  expect(code).toBe(0);

  const out = join(await temporary(), "killed");
  const killed = start(["pretrain", "--out", out], env);
  while (!existsSync(join(out, "checkpoints/step-00000004"))) await wait(5);
  killed.kill("SIGKILL");
  await once(killed, "close");
  expect(existsSync(join(out, "model"))).toBe(false);

  const resumed = await run(["pretrain", "--out", out, "--resume"], { env });
  expect(resumed.stderr).toMatch(/going on from \S+step-000000(04|08|[123]\d)/);
  expect(await results(out)).toEqual(await results(whole));
  // What it went on from is not needed any more.
  expect(existsSync(join(out, "checkpoints"))).toBe(false);
});
