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
