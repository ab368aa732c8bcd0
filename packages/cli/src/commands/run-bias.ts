import { join } from "node:path";
import { concat, pronounProbes, pronouns } from "@pruning-bias/data";
import { maskedLm, maskedLmLoss, pronounGap } from "@pruning-bias/eval-bias";
import type { Pruned } from "@pruning-bias/pruning";
import type { Jit } from "@pruning-bias/runtime";
import { reportedResult } from "../bias/measure.ts";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { writeJson } from "./files.ts";
import { HELD_OUT } from "./held-out.ts";
import { loadSentences, type Model, openJit } from "./inputs.ts";
import { loadRun, type Subject } from "./load-run.ts";
import { seatOf } from "./seat.ts";
import { writeSums } from "./sums.ts";

/** Bias tests of one point; leaves `bias.json`. */
export async function runBias(subject: Subject, context: Context): Promise<unknown> {
  const { config, out } = subject;
  const { model, pruned, projection } = await loadRun(subject, context);
  const protocol = "cls";
  const jit = await openJit(config, context);
  const results = await seatOf({ model, pruned, projection, protocol, jit }, config, context);
  for (const { test, effectSize, p } of results) context.log(`${test}: effect ${effectSize.toFixed(3)}, p ${p ?? "–"}`);
  // The demo's model can be asked for pronouns, since its vocabulary and probes are known.
  const probe = config.pretrain === null ? {} : { probe: await probeMaskedLm(config, model, { pruned, jit }, context) };
  const tests = results.map(reportedResult);
  const result = { protocol, ...(pruned && { threshold: pruned.threshold }), tests, ...probe };
  await writeJson(join(out, "bias.json"), result);
  await writeSums(join(out, "bias.sha256"), ["bias.json"]);
  return result;
}

/** How the demo's model fills in pronouns, and how well it still predicts its own corpus. */
async function probeMaskedLm(
  config: Config,
  model: Model,
  { pruned, jit }: { pruned: Pruned | undefined; jit: Jit },
  context: Context,
) {
  const predict = maskedLm({ ...model, pruned, jit });
  // What pre-training did not see, whatever the run itself sets aside.
  const datamodule = { ...config.datamodule, validation_size: HELD_OUT };
  const asPretrained = { ...config, datamodule, seed: config.pretrain!.seed };
  const { male, female, stereotype } = await loadSentences(asPretrained, model.tokenizer, context);
  const held = [male, female, stereotype].map(({ validation }) => validation).reduce(concat);
  const gap = await pronounGap(predict, model.tokenizer, pronounProbes(), pronouns);
  const loss = await maskedLmLoss(predict, model.tokenizer, held);
  await predict.dispose();
  return { ...gap, maskedLmLoss: loss };
}
