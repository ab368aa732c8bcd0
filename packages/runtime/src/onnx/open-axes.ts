import type { Sums } from "../jit.ts";

/** How long each open axis is. */
export type Sizes = Readonly<Record<string, number>>;

/** factor · Π axis^power: a length that follows from those of open axes, such as batch · sequence. */
export interface Length {
  readonly factor: number;
  readonly powers: Readonly<Record<string, number>>;
}

export const isFixed = ({ powers }: Length): boolean => Object.values(powers).every((power) => power === 0);

/** The sizes, and those of the sums of which a term is among them. */
export function withSums(sizes: Sizes, sums: Sums): Sizes {
  const made = Object.entries(sums).flatMap(([name, terms]) => {
    const present = presentTerms(terms, sizes);
    const total = present.reduce((sum, term) => sum + term.reduce((product, axis) => product * sizes[axis]!, 1), 0);
    return present.length === 0 ? [] : [[name, total] as const];
  });
  return { ...sizes, ...Object.fromEntries(made) };
}

/** The names whose sizes are given, and do not follow from others. */
export const given = (sizes: Sizes, sums: Sums): string[] =>
  Object.keys(sizes).filter((name) => presentTerms(sums[name] ?? [], sizes).length === 0);

/** The names but for sums of one term, which are products. */
export const independent = (sizes: Sizes, sums: Sums): string[] =>
  Object.keys(sizes).filter((name) => presentTerms(sums[name] ?? [], sizes).length !== 1);

const presentTerms = (terms: Sums[string], sizes: Sizes) =>
  terms.filter((term) => term.every((axis) => sizes[axis] !== undefined));

/**
 * A function that finds the length whose values these are under the sizes, one each, as a product of the axes; `undefined`
 * where there is none, or more than one. More sizes than axes make it a check as well.
 */
export function lengthsUnder(
  sizes: readonly Sizes[],
  axes: readonly string[] = Object.keys(sizes[0]!),
): (values: readonly number[]) => Length | undefined {
  const products = powersOf(axes).map((powers) => ({
    powers,
    under: sizes.map((at) => axes.reduce((total, axis) => total * at[axis]! ** powers[axis]!, 1)),
  }));
  return (values) => {
    const fitting = products.flatMap(({ powers, under }) => {
      const factor = values[0]! / under[0]!;
      const fits = Number.isInteger(factor) && values.every((value, index) => value === factor * under[index]!);
      return fits ? [{ factor, powers }] : [];
    });
    // Zero is any product with the factor 0.
    if (values.every((value) => value === 0)) return fitting.find(isFixed);
    return fitting.length === 1 ? fitting[0] : undefined;
  };
}

/** Every axis with power 0, 1 or 2, three in all at most. */
const powersOf = (axes: readonly string[]): Record<string, number>[] =>
  axes.reduce<Record<string, number>[]>(
    (all, axis) =>
      all.flatMap((powers) => {
        const left = 3 - Object.values(powers).reduce((sum, power) => sum + power, 0);
        return [0, 1, 2].filter((power) => power <= left).map((power) => ({ ...powers, [axis]: power }));
      }),
    [{}],
  );

/** `batch`, `2*batch*sequence`. */
export function lengthName({ factor, powers }: Length): string {
  const axes = Object.entries(powers).flatMap(([axis, power]) => Array<string>(power).fill(axis));
  return [...(factor === 1 ? [] : [String(factor)]), ...axes].join("*");
}
