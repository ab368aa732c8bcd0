import { readSafetensors, type StoredTensor, writeSafetensors } from "@pruning-bias/runtime";
import type { Projection } from "./projection.ts";

const NAME = "projection.directions";

/**
 * Writes the directions as one float64 tensor [k, hidden]; the file is there whole or not at all.
 *
 * @param width of a hidden state
 * @param metadata further entries of the file's header; none by default
 * @throws RangeError `PATH: …` for directions of another width
 */
export async function writeProjection(
  path: string,
  { directions }: Projection,
  width: number,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const other = directions.find(({ length }) => length !== width);
  if (other !== undefined) throw new RangeError(`${path}: expected directions ${width} wide, got ${other.length}`);
  const data = new Float64Array(directions.length * width);
  directions.forEach((direction, k) => data.set(direction, k * width));
  const tensor: StoredTensor = { dtype: "F64", shape: [directions.length, width], data };
  await writeSafetensors(path, { [NAME]: tensor }, { ...metadata });
}

/**
 * Reads the directions of a file that `writeProjection` wrote.
 *
 * @throws Error `PATH: …` where it holds something else, numbers that are not finite, or directions of another width
 */
export async function readProjection(path: string, width: number): Promise<Projection> {
  const tensor = (await readSafetensors(path)).tensors[NAME];
  const fits = tensor?.shape.length === 2 && tensor.shape[1] === width;
  if (tensor === undefined || !(tensor.data instanceof Float64Array) || !fits) {
    const found = tensor === undefined ? "none of that name" : `${tensor.dtype} [${tensor.shape.join(",")}]`;
    throw new Error(`${path}: expected ${NAME} F64 [k,${width}], got ${found}`);
  }
  const { data } = tensor;
  if (!data.every(Number.isFinite)) throw new Error(`${path}: expected ${NAME} of finite numbers, got others`);
  return {
    directions: Array.from({ length: tensor.shape[0]! }, (_, k) => data.slice(k * width, (k + 1) * width)),
  };
}
