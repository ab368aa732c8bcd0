import { compiler, type Jit } from "../src/index.ts";

/** A `Jit` that compiles and counts how often it traces: `traces.count`. */
export function countingJit(): { readonly jit: Jit; readonly traces: { count: number } } {
  const traces = { count: 0 };
  const jit: Jit = (fn, options) =>
    compiler({ threads: 1 })((inputs, random) => {
      traces.count++;
      return fn(inputs, random);
    }, options);
  return { jit, traces };
}
