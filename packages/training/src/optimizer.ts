import { ndarray, type NDArray, shared, type tf, zeros } from "@pruning-bias/runtime";
import type { AdamWOptions } from "./adamw.ts";

/** Host arrays by name. */
export type Arrays = Readonly<Record<string, NDArray>>;

/** Tensors by name: parameters or gradients. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Parameters that share a learning rate and the optimiser's settings. */
export interface ParameterGroup extends AdamWOptions {
  readonly names: readonly string[];
  readonly learningRate: number;
}

/** Parameters with their moments, between steps; what a checkpoint keeps. */
export interface OptimizerState {
  readonly parameters: Arrays;
  readonly m: Arrays;
  readonly v: Arrays;
  /** Updates made. */
  readonly updates: number;
}

/** The state before the first update: copies of the parameters, moments of zero. */
export function initialState(parameters: Arrays): OptimizerState {
  const each = (make: (array: NDArray) => NDArray): Arrays =>
    Object.fromEntries(Object.entries(parameters).map(([name, array]) => [name, make(array)]));
  const blank = () => each(({ shape }) => zeros(shape));
  return { parameters: copies(parameters), m: blank(), v: blank(), updates: 0 };
}

/** Arrays that no later update writes to. */
export const copies = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, { data, shape }]) => [name, ndarray(data.slice(), shape)]));

/** Copies that the threads of a `jit` with lanes read and write in place. */
export const allShared = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, shared(array)]));

/** Adds `more` into `sum`, element by element, in place where `sum` has the name already: gradients of micro-batches. */
export function accumulate(sum: Record<string, NDArray>, more: Arrays): void {
  for (const [name, array] of Object.entries(more)) {
    const into = sum[name];
    if (into === undefined) {
      sum[name] = array;
      continue;
    }
    for (let i = 0; i < array.data.length; i++) into.data[i]! += array.data[i]!;
  }
}
