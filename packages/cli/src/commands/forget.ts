import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeSums } from "./sums.ts";

/** What training leaves of a point, whatever of it this one has. */
const trained = ["config.json", "summary.json", "masks.json", "scores.safetensors", "projection.safetensors", "model"];
const measured = ["bias.json", "bias.sha256", "where.json", "where.sha256", "glue"];

/** What an earlier run left in the folder is not taken for this one's, whatever of it this one makes anew. */
export async function forget(out: string, { metrics }: { metrics: boolean }): Promise<void> {
  const events = (await readdir(out)).filter((name) => name.startsWith("events.out.tfevents."));
  const logs = metrics ? ["metrics.jsonl", "metrics.jsonl.part", ...events] : [];
  for (const name of [...trained, "train.sha256", ...measured, ...logs]) {
    await rm(join(out, name), { recursive: true, force: true });
  }
}

/** Leaves digests of a point's results beside them. */
export const seal = (out: string): Promise<void> => writeSums(join(out, "train.sha256"), [...trained, "metrics.jsonl"]);
