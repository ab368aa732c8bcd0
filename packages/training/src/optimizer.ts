import { ndarray, type NDArray, shared, type tf, zeros } from "@pruning-bias/runtime";
import type { AdamWOptions } from "./adamw.ts";

/** Host arrays by name. */
export type Arrays = Readonly<Record<string, NDArray>>;

/** Tensors by name: parameters or gradients. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Parameters that share a learning rate and the optimiser's settings. */
export interface ParameterGroup extends AdamWOptions {
  /** Of its parameters; a parameter is in one group. */
  readonly names: readonly string[];
  /** Before the schedule's factor. */
  readonly learningRate: number;
}

/** Parameters with their moments, between steps; what a checkpoint keeps. */
export interface OptimizerState {
  /** By name, float32: [out, in], [n] or any other shape. */
  readonly parameters: Arrays;
  /** First moments, [shape of the parameter] each. */
  readonly m: Arrays;
  /** Second moments, [shape of the parameter] each. */
  readonly v: Arrays;
  /** Updates made. */
  readonly updates: number;
}

/** The state before the first update: copies of the parameters, moments of zero, [shape of the parameter] each. */
export function initialState(parameters: Arrays): OptimizerState {
  const each = (make: (array: NDArray) => NDArray): Arrays =>
    Object.fromEntries(Object.entries(parameters).map(([name, array]) => [name, make(array)]));
  const blank = () => each(({ shape }) => zeros(shape));
  return { parameters: copies(parameters), m: blank(), v: blank(), updates: 0 };
}

/** Copies of arrays, [any shape], that no later update writes to. */
export const copies = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, { data, shape }]) => [name, ndarray(data.slice(), shape)]));

/** Copies of arrays, [any shape], that the threads of a `jit` with lanes read and write in place. */
export const allShared = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, shared(array)]));

/**
 * Adds `more` into `sum`, element by element, [any shape], in place where `sum` has the name already: gradients of
 * micro-batches.
 *
 * @throws RangeError for an array of another shape
 */
export function accumulate(sum: Record<string, NDArray>, more: Arrays): void {
  for (const [name, array] of Object.entries(more)) {
    const into = sum[name];
    if (into === undefined) {
      sum[name] = array;
      continue;
    }
    if (into.shape.join() !== array.shape.join()) {
      const [expected, got] = [into.shape.join(", "), array.shape.join(", ")];
      throw new RangeError(`accumulate: ${name}: expected shape [${expected}], got [${got}]`);
    }
    for (let i = 0; i < array.data.length; i++) into.data[i]! += array.data[i]!;
  }
}
