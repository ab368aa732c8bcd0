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

/** Copies a tensor's values out of TensorFlow.js, which after a cast may hold them in an array of the type before. */
export const toHost = (tensor: tf.Tensor): NDArray =>
  ndarray(arrays[tensor.dtype as keyof typeof arrays].from(tensor.dataSync()), tensor.shape);

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** The array at `path` of what a result is to be written into, which has the result's shape. */
export function fitting(path: string, array: NDArray | undefined, shape: readonly number[]): NDArray {
  if (array !== undefined && array.shape.join() === shape.join()) return array;
  const got = array === undefined ? "none" : `[${array.shape.join(",")}]`;
  throw new RangeError(`into: ${path}: expected an array of shape [${shape.join(",")}], got ${got}`);
}

/**
 * What a tensor function has returned, checked.
 *
 * @throws TypeError for a promise, something that is no tensor, or nothing; Error for a disposed tensor
 */
export function outputsOf(returned: unknown): Tree<tf.Tensor> {
  if (isThenable(returned)) {
    throw new TypeError("expected a function that returns tensors, got a promise; a tensor function cannot be async");
  }
  const found = leaves(returned as Tree<tf.Tensor>, isTensor);
  if (found.length === 0) throw new TypeError("expected a function that returns tensors, got none");
  for (const [path, tensor] of found) {
    if (!tensor.isDisposed) continue;
    throw new Error(
      `${path || "value"}: expected a tensor, got one that was disposed; all but results is freed by itself`,
    );
  }
  return returned as Tree<tf.Tensor>;
}

const isThenable = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
