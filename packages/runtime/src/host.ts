import { ndarray, type NDArray, scalar } from "./ndarray.ts";
import { tf } from "./tf.ts";
import { leaves, type Tree } from "./tree.ts";

/** The arrays of a host tree by path; numbers become float32 scalars. */
export function hostLeaves(tree: unknown): [path: string, array: NDArray][] {
  return leaves(tree as Tree<NDArray | number>, isHostLeaf).map(([path, leaf]) => [
    path,
    typeof leaf === "number" ? scalar(leaf) : leaf,
  ]);
}

export const isHostLeaf = (node: unknown): node is NDArray | number =>
  typeof node === "number" ||
  (typeof node === "object" && node !== null && "dtype" in node && "shape" in node && "data" in node);

export const isTensor = (node: unknown): node is tf.Tensor => node instanceof tf.Tensor;

/** Copies a tensor's values out of TensorFlow.js. */
export const toHost = (tensor: tf.Tensor): NDArray =>
  ndarray(tensor.dataSync().slice() as NDArray["data"], tensor.shape);

/** The array at `path` of what a result is to be written into, which has the result's shape. */
export function fitting(path: string, array: NDArray | undefined, shape: readonly number[]): NDArray {
  if (array !== undefined && array.shape.join() === shape.join()) return array;
  const got = array === undefined ? "none" : `[${array.shape.join(",")}]`;
  throw new RangeError(`into: ${path}: expected an array of shape [${shape.join(",")}], got ${got}`);
}
