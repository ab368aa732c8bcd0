/** What a number may be; of whole ones `Infinity`, "all of them", as well. */
export interface NumberRange {
  /** The smallest that is taken. */
  readonly least: number;
  /** Whether it counts something; `false` by default. */
  readonly whole?: boolean;
  /** Whether there is no "all of them"; `false` by default. */
  readonly finite?: boolean;
}

/**
 * Refuses numbers outside their ranges; those that are left out are not looked at.
 *
 * @param where whose options they are, `finetune`
 * @throws RangeError `WHERE: NAME: expected …, got …`, for the first
 */
export function expectInRange<Name extends string>(
  where: string,
  given: Readonly<Partial<Record<NoInfer<Name>, number | undefined>>>,
  ranges: Readonly<Record<Name, NumberRange>>,
): void {
  for (const [name, { least, whole = false, finite = false }] of Object.entries<NumberRange>(ranges)) {
    const value = given[name as Name];
    if (value === undefined) continue;
    if (value >= least && (!whole || (value === Infinity && !finite) || Number.isInteger(value))) continue;
    const what = whole ? "a whole number" : "a number";
    const range = least === -Infinity ? "" : least === 1 ? " above 0" : ` of at least ${least}`;
    throw new RangeError(`${where}: ${name}: expected ${what}${range}, got ${value}`);
  }
}
