import type { z } from "zod";
import type { Config } from "../config/schema.ts";

/** An experiment: what it is for, and what it sets differently from the defaults. */
export interface Preset {
  readonly about: string;
  readonly settings: z.input<typeof Config>;
}
