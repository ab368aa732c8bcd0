/** How long each open axis is. */
export type Sizes = Readonly<Record<string, number>>;

/** factor · Π axis^power: a length that follows from those of open axes, such as batch · sequence. */
export interface Length {
  readonly factor: number;
  readonly powers: Readonly<Record<string, number>>;
}

export const isFixed = ({ powers }: Length): boolean => Object.values(powers).every((power) => power === 0);

/**
 * The length whose values these are under these sizes, one each; `undefined` where there is none, or more than one.
 * More sizes than axes make it a check as well.
 */
export function lengthOf(values: readonly number[], sizes: readonly Sizes[]): Length | undefined {
  const axes = Object.keys(sizes[0]!);
  const fitting = powersOf(axes).flatMap((powers) => {
    const product = (at: Sizes) => axes.reduce((total, axis) => total * at[axis]! ** powers[axis]!, 1);
    const factor = values[0]! / product(sizes[0]!);
    const fits = Number.isInteger(factor) && values.every((value, index) => value === factor * product(sizes[index]!));
    return fits ? [{ factor, powers }] : [];
  });
  // Zero is any product with the factor 0.
  if (values.every((value) => value === 0)) return fitting.find(isFixed);
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Every axis with power 0, 1 or 2. */
const powersOf = (axes: readonly string[]): Record<string, number>[] =>
  axes.reduce<Record<string, number>[]>(
    (all, axis) => all.flatMap((powers) => [0, 1, 2].map((power) => ({ ...powers, [axis]: power }))),
    [{}],
  );

/** `batch`, `2*batch*sequence`. */
export function lengthName({ factor, powers }: Length): string {
  const axes = Object.entries(powers).flatMap(([axis, power]) => Array<string>(power).fill(axis));
  return [...(factor === 1 ? [] : [String(factor)]), ...axes].join("*");
}
