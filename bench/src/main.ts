import { parseArgs } from "node:util";
import { restartWithWarmMemory } from "@pruning-bias/runtime/allocator";
import { bias } from "./bias.ts";
import { compact } from "./compact.ts";
import { data } from "./data.ts";
import { epoch } from "./epoch.ts";
import { gemm } from "./gemm.ts";
import { glue } from "./glue.ts";
import { leak } from "./leak.ts";
import { settle } from "./settle.ts";
import { step } from "./step.ts";

restartWithWarmMemory(process);

const benchmarks = { gemm, step, data, epoch, settle, bias, glue, compact, leak };

const [name = "", ...rest] = process.argv.slice(2);
const { values } = parseArgs({
  args: rest.filter((argument) => argument !== "--"),
  options: {
    model: { type: "string", default: "bert-base" },
    batch: { type: "string" },
    seq: { type: "string", default: "128" },
    block: { type: "string", default: "32x32" },
    mode: { type: "string", default: "token" },
    layer: { type: "string", default: "last" },
    "values-only": { type: "boolean", default: false },
    unfrozen: { type: "boolean", default: false },
    "cached-original": { type: "boolean", default: false },
    steps: { type: "string", default: "5" },
    threads: { type: "string", default: "0" },
    devices: { type: "string", default: "1" },
    microbatch: { type: "string" },
    "token-budget": { type: "string", default: "1024" },
    "score-lr": { type: "string" },
    threshold: { type: "string", default: "0.1" },
    "loss-form": { type: "string", default: "squared-sum" },
    "eval-every": { type: "string" },
    seat: { type: "string" },
    "val-limit": { type: "string", default: "200" },
    "static-limit": { type: "string", default: "1000" },
    corpus: { type: "string" },
    words: { type: "string" },
    tokenizer: { type: "string" },
    glue: { type: "string" },
    task: { type: "string" },
    seeds: { type: "string" },
    seed: { type: "string", default: "42" },
    epochs: { type: "string", default: "3" },
    lr: { type: "string", default: "2e-5" },
    "max-length": { type: "string", default: "128" },
    limit: { type: "string", default: "Infinity" },
    order: { type: "string", default: "random" },
    scores: { type: "string" },
    crows: { type: "string" },
    stereoset: { type: "string" },
    where: { type: "string" },
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
  else {
    for (const [key, value] of Object.entries(result)) {
      console.log(`${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
    }
  }
}
