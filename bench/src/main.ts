import { parseArgs } from "node:util";
import { restartWithWarmMemory } from "@pruning-bias/runtime/allocator";
import { bias } from "./bias.ts";
import { data } from "./data.ts";
import { gemm } from "./gemm.ts";
import { step } from "./step.ts";

restartWithWarmMemory(process);

const benchmarks = { gemm, step, data, bias };

const [name = "", ...rest] = process.argv.slice(2);
const { values } = parseArgs({
  args: rest.filter((argument) => argument !== "--"),
  options: {
    model: { type: "string", default: "bert-base" },
    batch: { type: "string", default: "16" },
    seq: { type: "string", default: "128" },
    block: { type: "string", default: "32x32" },
    mode: { type: "string", default: "token" },
    layer: { type: "string", default: "last" },
    "values-only": { type: "boolean", default: false },
    unfrozen: { type: "boolean", default: false },
    steps: { type: "string", default: "5" },
    threads: { type: "string", default: "0" },
    microbatch: { type: "string" },
    corpus: { type: "string" },
    words: { type: "string" },
    tokenizer: { type: "string" },
    seat: { type: "string" },
    crows: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

/** The flags that benchmarks take, as they were typed. */
export type Flags = typeof values;

if (!Object.hasOwn(benchmarks, name)) {
  console.error(`error: bench: expected one of ${Object.keys(benchmarks).join(", ")}, got ${JSON.stringify(name)}`);
  process.exitCode = 2;
} else {
  const result = await benchmarks[name as keyof typeof benchmarks](values);
  if (values.json) console.log(JSON.stringify(result));
  else for (const [key, value] of Object.entries(result)) console.log(`${key}: ${value}`);
}
