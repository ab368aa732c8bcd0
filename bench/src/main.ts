import { restartWithWarmMemory } from "@pruning-bias/runtime/allocator";
import { bias } from "./bias.ts";
import { compact } from "./compact.ts";
import { data } from "./data.ts";
import { epoch } from "./epoch.ts";
import { gemm } from "./gemm.ts";
import { type Flags, readFlags } from "./flags.ts";
import { glue } from "./glue.ts";
import { leak } from "./leak.ts";
import { settle } from "./settle.ts";
import { step } from "./step.ts";

restartWithWarmMemory(process);

const benchmarks = { gemm, step, data, epoch, settle, bias, glue, compact, leak };

const [name = "", ...words] = process.argv.slice(2);
try {
  if (!Object.hasOwn(benchmarks, name)) {
    throw new RangeError(`expected one of ${Object.keys(benchmarks).join(", ")}, got ${JSON.stringify(name)}`);
  }
  await run(benchmarks[name as keyof typeof benchmarks], readFlags(words));
} catch (error) {
  console.error(`error: bench: ${(error as Error).message}`);
  process.exitCode = 2;
}

async function run(benchmark: (flags: Flags) => Promise<object>, flags: Flags): Promise<void> {
  const result = await benchmark(flags);
  if (flags.json) return console.log(JSON.stringify(result));
  for (const [key, value] of Object.entries(result)) {
    console.log(`${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
  }
}
