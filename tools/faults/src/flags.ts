import { parseArgs, type ParseArgsConfig } from "node:util";

const refuse = (problem: string): never => {
  process.stderr.write(`error: faults: ${problem}\n`);
  process.exit(2);
};

/** What was typed, without what separates it from pnpm's own words. */
export const typed = (): string[] => process.argv.slice(2).filter((word) => word !== "--");

/** The flags of the command line; ends the process with one line where they are none. */
export function readFlags<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** Flags that count something; ends the process with one line where one does not. */
export function counts<const N extends readonly string[]>(
  flags: { readonly [name in N[number]]: string },
  names: N,
): { [at in keyof N]: number } {
  const count = (name: N[number]): number =>
    /^\d{1,9}$/.test(flags[name])
      ? Number(flags[name])
      : refuse(`--${name}: expected a count, got ${JSON.stringify(flags[name])}`);
  return names.map(count) as { [at in keyof N]: number };
}
