import { writeWhole } from "@pruning-bias/runtime/files";

export { writeWhole };

export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeWhole(path, `${JSON.stringify(value, spelled, 2)}\n`);

/** One value as a line; NaN and infinities, which JSON has not, as texts. */
export const jsonLine = (value: unknown): string => JSON.stringify(value, spelled);

const spelled = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
