import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { NDArray } from "@pruning-bias/runtime";
import type { HostParameter } from "./host-adamw.ts";
import { doHostWork, type HostWork } from "./host-work.ts";
import { together } from "./together.ts";
import type { Arrays, OptimizerState, ParameterGroup } from "./optimizer.ts";

/** AdamW over parameter groups (Loshchilov and Hutter 2019) on host arrays. */
export interface HostOptimizer {
  /** Adds `more` into `gradients`, [shape of the parameter] each, in place; returns their global norm √(Σ g²) then. */
  readonly sum: (gradients: Arrays, more?: Arrays) => Promise<number>;
  /**
   * One update of all groups with their learning rates times `factor`, of gradients, [shape of the parameter] each, times
   * `scale`, 1 by default, in place. Parameters without a gradient stay.
   */
  readonly update: (
    state: OptimizerState,
    gradients: Arrays,
    factor: number,
    scale?: number,
  ) => Promise<OptimizerState>;
  /** Ends its thread, where it has one. */
  readonly dispose: () => Promise<void>;
}

/** Where the updates are computed. */
export interface HostOptimizerOptions {
  /**
   * Half of the parameters on another thread: for arrays that are `shared`. The numbers are the same to the bit. `false` by
   * default.
   */
  readonly sideBySide?: boolean;
}

/**
 * AdamW over parameter groups on host arrays (see `hostAdamW`); its state is what a checkpoint keeps.
 *
 * @throws RangeError for a parameter in two groups; in an update, Error for one that the state lacks, RangeError for a
 *   gradient of another size
 */
export function hostOptimizer(
  groups: readonly ParameterGroup[],
  { sideBySide = false }: HostOptimizerOptions = {},
): HostOptimizer {
  const names = groups.flatMap((group) => group.names);
  const twice = names.find((name, n) => names.indexOf(name) !== n);
  if (twice !== undefined) throw new RangeError(`hostOptimizer: expected ${twice} in one group, got two`);
  const thread = sideBySide
    ? new Worker(new URL("./host-thread.ts".replace(/\.ts$/, extname(import.meta.url)), import.meta.url))
    : undefined;
  thread?.unref();
  const all = async (work: readonly HostWork[]): Promise<number[]> => {
    if (thread === undefined) return work.map(doHostWork);
    const there = otherHalf(work);
    thread.ref();
    const answer = once(thread, "message") as Promise<[number[]]>;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    thread.postMessage(work.filter((_, n) => there.has(n)));
    const own = Promise.resolve().then(() => [work.map((one, n) => (there.has(n) ? 0 : doHostWork(one)))]);
    const [[here], [answered]] = (await together([own, answer])) as [[number[]], [number[]]];
    const found = answered.values();
    thread.unref();
    return here.map((own, n) => (there.has(n) ? found.next().value! : own));
  };
  return {
    async sum(gradients, more = {}) {
      const work = Object.entries(gradients).map(([name, array]): HostWork => {
        return { kind: "sum", gradient: numbers(array), more: more[name] && numbers(more[name]) };
      });
      const squares = await all(work);
      return Math.sqrt(squares.reduce((sum, own) => sum + own, 0));
    },
    async update(state, gradients, factor, scale = 1) {
      const next = { ...state, updates: state.updates + 1 };
      const work = groups.flatMap(({ names, learningRate, ...options }) => {
        const rates = { learningRate: learningRate * factor, update: next.updates, scale };
        const having = names.filter((name) => gradients[name] !== undefined);
        return having.map((name): HostWork => {
          return {
            ...{ kind: "update", rates, options },
            ...{ parameter: parameterOf(state, name), gradient: numbers(gradients[name]!) },
          };
        });
      });
      await all(work);
      return next;
    },
    dispose: async () => void (await thread?.terminate()),
  };
}

/** Which of the works make up half of the numbers, those with most first. */
function otherHalf(work: readonly HostWork[]): ReadonlySet<number> {
  const there = new Set<number>();
  let lead = 0;
  const order = Array.from(work.keys()).toSorted((a, b) => work[b]!.gradient.length - work[a]!.gradient.length);
  for (const n of order) {
    const { length } = work[n]!.gradient;
    if (lead > 0) there.add(n);
    lead += lead > 0 ? -length : length;
  }
  return there;
}

const numbers = ({ data }: NDArray): Float32Array => data as Float32Array;

function parameterOf({ parameters, m, v }: OptimizerState, name: string): HostParameter {
  const found = [parameters[name], m[name], v[name]];
  if (found.includes(undefined)) {
    throw new Error(`hostOptimizer: expected ${name} and its moments in the state, got none of that name`);
  }
  const [p, first, second] = found.map((array) => numbers(array!));
  return { p: p!, m: first!, v: second! };
}
