import { readFileSync } from "node:fs";
import { eager, jit, ndarray, type NDArray } from "@pruning-bias/runtime";

/** Every tensor function is run both ways. */
export const backends = [
  ["eager", eager],
  ["compiled", jit],
] as const;

/** Numbers as masks.json nests them. */
export type Nested = number | readonly Nested[];

/** One case of masks.json. */
export interface Case<S, I, E> {
  readonly name: string;
  readonly settings: S;
  readonly inputs: I;
  readonly expected: E;
}

/** The cases of a kind. */
export function readCases<S, I, E>(path: string, kind: string): Case<S, I, E>[] {
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Case<S & { kind: string }, I, E>[] };
  return cases.filter(({ settings }) => settings.kind === kind);
}

/** The settings of a case that are nn_pruning's own. */
export const withoutKind = <S extends object>(settings: S): Omit<S, "kind"> =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => key !== "kind")) as Omit<S, "kind">;

/** Nested numbers as a float32 array. */
export function array(nested: Nested): NDArray {
  const shape: number[] = [];
  for (let level = nested; typeof level !== "number"; level = level[0]!) shape.push(level.length);
  return ndarray(Float32Array.from(flat(nested)), shape);
}

export const flat = (nested: Nested): number[] => (typeof nested === "number" ? [nested] : nested.flatMap(flat));

/** The largest difference, relative above 1. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  return Array.from(expected).reduce(
    (worst, value, i) => Math.max(worst, Math.abs(actual[i]! - value) / Math.max(1, Math.abs(value))),
    0,
  );
}

/** Names of the expected arrays that the actual ones are not within a tolerance of. */
export const farFrom = (
  actual: Readonly<Record<string, { readonly data: ArrayLike<number> }>>,
  expected: Iterable<readonly [name: string, values: ArrayLike<number>]>,
  tolerance: number,
): string[] =>
  Array.from(expected).flatMap(([name, values]) => {
    const found = actual[name];
    return found !== undefined && difference(found.data, values) < tolerance ? [] : [name];
  });

/** A mask over blocks, as a mask over the weights (out, in), row by row. */
export function expand(mask: ArrayLike<number>, grid: readonly number[], shape: readonly number[]): number[] {
  const [rows, columns] = grid as [number, number];
  const [outputs, inputs] = shape as [number, number];
  return Array.from({ length: outputs * inputs }, (_, index) => {
    const row = Math.floor((Math.floor(index / inputs) * rows) / outputs);
    const column = Math.floor(((index % inputs) * columns) / inputs);
    return mask[row * columns + column]!;
  });
}
