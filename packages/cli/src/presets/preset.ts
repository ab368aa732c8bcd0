import type { z } from "zod";
import type { Config } from "../config/schema.ts";

/** An experiment: what it is for, and what it sets differently from the defaults. */
export interface Preset {
  /** What it is for, a line. */
  readonly about: string;
  /** What differs from the defaults. */
  readonly settings: z.input<typeof Config>;
}
