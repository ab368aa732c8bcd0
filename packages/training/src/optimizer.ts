import { type HostInput, type Jit, ndarray, type NDArray, type tf, zeros } from "@pruning-bias/runtime";
import { adamW, type AdamWOptions, biasCorrections } from "./adamw.ts";

/** Host arrays by name. */
export type Arrays = Readonly<Record<string, NDArray>>;

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

/** Updates parameters and keeps its moments in the state. */
export interface Optimizer {
  /**
   * One update of all groups with their learning rates times `factor`, in place: the returned state has the arrays of the
   * state that is given. Parameters without a gradient stay.
   */
  (state: OptimizerState, gradients: Arrays, factor: number): Promise<OptimizerState>;
  dispose(): Promise<void>;
}

/**
 * AdamW over parameter groups on host arrays, one parameter at a time and in place: what fits the processor's cache is
 * computed two to three times as fast.
 */
export function optimizer(jit: Jit, groups: readonly ParameterGroup[]): Optimizer {
  const updates = groups.map((group) => ({ group, update: jit(parameterUpdate(group)) }));
  const step = async (state: OptimizerState, gradients: Arrays, factor: number): Promise<OptimizerState> => {
    const next = { ...state, updates: state.updates + 1 };
    for (const { group, update } of updates) {
      for (const name of group.names) {
        const gradient = gradients[name];
        if (gradient === undefined) continue;
        const old = { p: state.parameters[name]!, m: state.m[name]!, v: state.v[name]! };
        const learningRate = group.learningRate * factor;
        const inputs = { ...old, gradient, learningRate, corrections: [...biasCorrections(next.updates, group.betas)] };
        await update(inputs as unknown as HostInput<UpdateInputs>, undefined, old);
      }
    }
    return next;
  };
  const dispose = async () => void (await Promise.all(updates.map(({ update }) => update.dispose())));
  return Object.assign(step, { dispose });
}

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

interface UpdateInputs {
  readonly p: tf.Tensor;
  readonly gradient: tf.Tensor;
  readonly m: tf.Tensor;
  readonly v: tf.Tensor;
  readonly learningRate: tf.Scalar;
  readonly corrections: readonly [tf.Scalar, tf.Scalar];
}

const parameterUpdate =
  (options: AdamWOptions) =>
  ({ p, gradient, m, v, learningRate, corrections }: UpdateInputs) => {
    const own = { p: gradient };
    const { parameters, state } = adamW(
      { p },
      own,
      { m: { p: m }, v: { p: v } },
      { learningRate, corrections },
      options,
    );
    return { p: parameters["p"]!, m: state.m["p"]!, v: state.v["p"]! };
  };
