import { loadTokenizer } from "@pruning-bias/data";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { loadSeatTests, loadSentences, modelFolder, modelName } from "./inputs.ts";

/** Prepares what a run reads: sentences of the three classes and the bias tests. */
export async function prepare(config: Config, context: Context): Promise<void> {
  const { log } = context;
  const tokenizer = await loadTokenizer(await modelFolder(modelName(config), context));
  const { male, female, stereotype, counts, dir } = await loadSentences(config, tokenizer, context);
  for (const [name, { train, validation }] of Object.entries({ male, female, stereotype })) {
    log(`${name}: ${train.length} sentences to train on, ${validation.length} to validate`);
  }
  log(`${counts.lines} lines in ${dir}`);
  const tests = await loadSeatTests(config, context);
  log(`bias tests: ${tests.map(({ name }) => name).join(", ")}`);
}
