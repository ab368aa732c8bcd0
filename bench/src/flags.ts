import { parseArgs } from "node:util";

const text = { type: "string" } as const;
const from = (value: string) => ({ type: "string", default: value }) as const;
const yes = { type: "boolean", default: false } as const;

const numbers = {
  ...{ batch: text, seq: from("128"), steps: from("5"), threads: from("0"), devices: from("1"), microbatch: text },
  ...{ "token-budget": from("1024"), "score-lr": text, threshold: from("0.1"), "eval-every": text },
  ...{ "val-limit": from("200"), "static-limit": from("1000"), seed: from("42"), epochs: from("3"), lr: from("2e-5") },
  ...{ "max-length": from("128"), limit: from("Infinity") },
} as const;

const options = {
  ...numbers,
  ...{ model: from("bert-base"), block: from("32x32"), mode: from("token"), layer: from("last") },
  ...{ "loss-form": from("squared-sum"), optimizer: from("torch"), order: from("random"), task: text, seeds: text },
  ...{ corpus: text, words: text, seat: text, tokenizer: text, glue: text, scores: text },
  ...{ crows: text, stereoset: text, where: text },
  ...{ "values-only": yes, unfrozen: yes, "cached-original": yes, json: yes },
} as const;

const parsed = (args: string[]) => parseArgs({ args, options }).values;

/** The flags that benchmarks take, as they were typed. */
export type Flags = ReturnType<typeof parsed>;

/** @throws Error in one line for a flag that is none, or a number that is none */
export function readFlags(words: readonly string[]): Flags {
  const flags = parsed(words.filter((word) => word !== "--"));
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    if (Number.isNaN(Number(flags[name] ?? 0))) {
      throw new RangeError(`--${name}: expected a number, got ${JSON.stringify(flags[name])}`);
    }
  }
  return flags;
}

/** Whose AdamW: the yardstick's is PyTorch's, where eps joins after the correction of the moments. */
export function variantOf({ optimizer }: Pick<Flags, "optimizer">): "torch" | "transformers" {
  if (optimizer === "torch" || optimizer === "transformers") return optimizer;
  throw new RangeError(`--optimizer: expected torch or transformers, got ${JSON.stringify(optimizer)}`);
}
