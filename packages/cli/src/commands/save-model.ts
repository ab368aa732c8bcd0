import { join } from "node:path";
import { type Checkpoint, saveCheckpoint, type SaveOptions, tokenizerFiles } from "@pruning-bias/model";
import { MODEL_SUMS, writeSums } from "./sums.ts";

/** Writes a model's folder, as `saveCheckpoint` does, and the digests of its files. */
export async function saveModel(folder: string, checkpoint: Checkpoint, options: SaveOptions): Promise<void> {
  await saveCheckpoint(folder, checkpoint, options);
  const names = ["config.json", "README.md", "model.safetensors", "onnx/model.onnx", ...tokenizerFiles];
  await writeSums(join(folder, MODEL_SUMS), names);
}
