import type { NDArray } from "./ndarray.ts";
import type { RandomKey } from "./random-bytes.ts";
import type { Random } from "./random.ts";
import type { tf } from "./tf.ts";

/**
 * A pure function of tensors: trees of tensors in, a tree of tensors out, all shapes known from the inputs' shapes.
 * `random` gives it noise that depends on nothing but the key of the call.
 */
export type TensorFunction<I, O> = (inputs: I, random: Random) => O;

/** What a compiled function takes where the function takes tensors: host arrays, or numbers for float32 scalars. */
export type HostInput<T> = T extends tf.Tensor ? NDArray | number : { readonly [K in keyof T]: HostInput<T[K]> };

/** What it returns where the function returns tensors. */
export type HostOutput<T> = T extends tf.Tensor ? NDArray : { readonly [K in keyof T]: HostOutput<T[K]> };

/** A tensor function that runs on host arrays. */
export interface Compiled<I, O> {
  /**
   * @param into a result of these shapes, such as that of an earlier call, whose arrays are written instead of new ones:
   *   new memory costs more than to compute an update in. One of them may be an input, where nothing but its own new values
   *   depends on it, each on the same element: a sum that grows, a parameter that is updated.
   * @throws RangeError where `into` has another tree or other shapes
   */
  (inputs: HostInput<I>, key?: RandomKey, into?: HostOutput<O>): Promise<HostOutput<O>>;
  /** Frees what was compiled; the next call compiles anew. */
  dispose(): Promise<void>;
}

/** Names of an input's axes, by its path (`batch.inputIds`); `null` for an axis that has none. */
export type Axes = Readonly<Record<string, readonly (string | null)[]>>;

/**
 * Sizes that are sums of products of axes, such as the tokens of two batches, `[["a.batch", "a.length"], ["b.batch", "b.length"]]`,
 * by their names. Terms of which a call has no axis are left out.
 */
export type Sums = Readonly<Record<string, readonly (readonly string[])[]>>;

/** What a `Jit` may make use of. */
export interface JitOptions {
  /**
   * Axes whose size differs from call to call, such as `batch` and `sequence`: eight at most. The function is compiled once for
   * all sizes, if it does the same at the few at which that is looked at, and else, as without names, for each.
   */
  readonly axes?: Axes;
  /** Sizes that follow from those of axes; none by default. */
  readonly sums?: Sums;
}

/** Turns a tensor function into one on host arrays: `eager`, or what `compiler` returns. */
export type Jit = <I, O>(fn: TensorFunction<I, O>, options?: JitOptions) => Compiled<I, O>;
