import type { Arrays } from "@pruning-bias/training";

/** Arrays under one prefix, such as `best.NAME`, among the other arrays of a training state. */
export const store = (prefix: string, arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${prefix}.${name}`, array]));

export const stored = (prefix: string, arrays: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).flatMap(([name, array]) =>
      name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), array]] : [],
    ),
  );
