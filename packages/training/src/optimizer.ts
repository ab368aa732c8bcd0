import { type HostInput, type HostOutput, type Jit, type NDArray, type tf, zeros } from "@pruning-bias/runtime";
import { adamW, type AdamWOptions, type AdamWState, biasCorrections, type Tensors } from "./adamw.ts";

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

/** The state before the first update: moments are zero. */
export function initialState(parameters: Arrays): OptimizerState {
  const blank = () => Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, zeros(shape)]));
  return { parameters, m: blank(), v: blank(), updates: 0 };
}

export interface Optimizer {
  /** One update of all groups with their learning rates times `factor`; parameters without a gradient stay. */
  (state: OptimizerState, gradients: Arrays, factor: number): Promise<OptimizerState>;
  dispose(): Promise<void>;
}

/** AdamW over parameter groups on host arrays. */
export function optimizer(jit: Jit, groups: readonly ParameterGroup[]): Optimizer {
  const updates = groups.map((group) => ({ group, update: jit(groupUpdate(group)) }));
  const step = async (state: OptimizerState, gradients: Arrays, factor: number): Promise<OptimizerState> => {
    const next = {
      parameters: { ...state.parameters },
      m: { ...state.m },
      v: { ...state.v },
      updates: state.updates + 1,
    };
    for (const { group, update } of updates) {
      const names = group.names.filter((name) => gradients[name] !== undefined);
      if (names.length === 0) continue;
      const of = (arrays: Arrays) => Object.fromEntries(names.map((name) => [name, arrays[name]!]));
      const result: HostOutput<Update> = await update({
        parameters: of(state.parameters),
        gradients: of(gradients),
        state: { m: of(state.m), v: of(state.v) },
        learningRate: group.learningRate * factor,
        corrections: [...biasCorrections(next.updates, group.betas)],
      } as HostInput<UpdateInputs>);
      Object.assign(next.parameters, result.parameters);
      Object.assign(next.m, result.state.m);
      Object.assign(next.v, result.state.v);
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
  readonly parameters: Tensors;
  readonly gradients: Tensors;
  readonly state: AdamWState;
  readonly learningRate: tf.Scalar;
  readonly corrections: readonly [tf.Scalar, tf.Scalar];
}
type Update = ReturnType<typeof adamW>;

const groupUpdate =
  (options: AdamWOptions) =>
  ({ parameters, gradients, state, learningRate, corrections }: UpdateInputs): Update =>
    adamW(parameters, gradients, state, { learningRate, corrections }, options);
