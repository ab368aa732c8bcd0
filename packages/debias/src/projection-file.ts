import { readSafetensors, type StoredTensor, writeSafetensors } from "@pruning-bias/runtime";
import type { Projection } from "./projection.ts";

const NAME = "projection.directions";

/** Writes the directions as one float64 tensor (k, D); the file is there whole or not at all. */
export async function writeProjection(
  path: string,
  { directions }: Projection,
  width: number,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const data = new Float64Array(directions.length * width);
  directions.forEach((direction, k) => data.set(direction, k * width));
  const tensor: StoredTensor = { dtype: "F64", shape: [directions.length, width], data };
  await writeSafetensors(path, { [NAME]: tensor }, { ...metadata });
}

/** Reads such a file. @throws Error `PATH: …` where it holds something else, or directions of another width */
export async function readProjection(path: string, width: number): Promise<Projection> {
  const tensor = (await readSafetensors(path)).tensors[NAME];
  if (tensor === undefined || !(tensor.data instanceof Float64Array) || tensor.shape[1] !== width) {
    const found = tensor === undefined ? "none of that name" : `${tensor.dtype} [${tensor.shape.join(",")}]`;
    throw new Error(`${path}: expected ${NAME} F64 [k,${width}], got ${found}`);
  }
  const { data } = tensor;
  return {
    directions: Array.from({ length: tensor.shape[0]! }, (_, k) => data.slice(k * width, (k + 1) * width)),
  };
}
