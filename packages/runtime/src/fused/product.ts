import { tf } from "../tf.ts";
import { oneNode } from "./one-node.ts";

/** Which sides of a product are transposed, and its factor. */
export interface ProductOptions {
  /** A is given as (…, k, n); `false` by default. */
  readonly transposeA?: boolean;
  /** B is given as (…, m, k); `false` by default. */
  readonly transposeB?: boolean;
  /** A factor of the whole product, which costs nothing; 1 by default. */
  readonly scale?: number;
}

/** scale·A·B of batches of matrices, […, n, k] by […, k, m]: […, n, m]; either may be given transposed. */
export function product<T extends tf.Tensor>(
  a: T,
  b: T,
  { transposeA = false, transposeB = false, scale = 1 }: ProductOptions = {},
): T {
  const shape = [...a.shape.slice(0, -2), a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!];
  const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: scale } };
  const node = { op: "com.microsoft:FusedMatMul", inputs: [a, b], shapes: [shape], attributes };
  return oneNode(node, () => [tf.mul(tf.matMul(a, b, transposeA, transposeB), scale)])[0] as T;
}
