/** Element types that tensors have here; 64-bit integers and half floats exist in files only. */
export type DType = "float32" | "int32" | "bool";

/** A dense row-major array in the host's memory: what goes into and comes out of a compiled function. */
export interface NDArray {
  /** Of its elements. */
  readonly dtype: DType;
  /** Sizes of its axes, the last of which runs fastest; [] for a scalar. */
  readonly shape: readonly number[];
  /** [product of the shape], row by row. */
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/**
 * An array over `data`, [n], which is not copied: float32 for a `Float32Array`, int32 for an `Int32Array`, bool for a
 * `Uint8Array`. Without `shape`, a vector.
 *
 * @throws RangeError where `shape` does not hold `data.length` elements, or has a size that is none
 */
export function ndarray(data: NDArray["data"], shape: readonly number[] = [data.length]): NDArray {
  if (sizeOf(shape) !== data.length || !shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new RangeError(`ndarray: shape [${shape.join(",")}] holds ${sizeOf(shape)} elements, got ${data.length}`);
  }
  const dtype = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "bool";
  return { dtype, shape, data };
}

/** A float32 array of shape []. */
export const scalar = (value: number): NDArray => ndarray(Float32Array.of(value), []);

/** Float32 zeros, [shape]. @throws RangeError for a shape that is none */
export const zeros = (shape: readonly number[]): NDArray => ndarray(new Float32Array(sizeOf(shape)), shape);

/**
 * A copy, [the same shape], in memory that threads share: functions that compute on threads of their own (`compiler({ lanes
 * })`) read and write it in place, where other arrays are copied there and back.
 */
export function shared({ data, shape }: NDArray): NDArray {
  const own = new (data.constructor as Float32ArrayConstructor)(new SharedArrayBuffer(data.byteLength));
  own.set(data);
  return ndarray(own, shape);
}

export const isShared = ({ data }: NDArray): boolean => data.buffer instanceof SharedArrayBuffer;

/** Number of elements of a shape; 1 for []. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
