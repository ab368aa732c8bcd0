import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** What an earlier run left in the folder is not taken for this one's, whatever of it this one makes anew. */
export async function forget(out: string, { metrics }: { metrics: boolean }): Promise<void> {
  const events = (await readdir(out)).filter((name) => name.startsWith("events.out.tfevents."));
  const logs = metrics ? ["metrics.jsonl", "metrics.jsonl.part", ...events] : [];
  const results = [
    "config.json",
    "summary.json",
    "masks.json",
    "scores.safetensors",
    "projection.safetensors",
    "model",
    "bias.json",
    "glue",
  ];
  for (const name of [...results, ...logs]) await rm(join(out, name), { recursive: true, force: true });
}
