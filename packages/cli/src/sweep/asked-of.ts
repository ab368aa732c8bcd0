import { isProjection } from "../config/alternative.ts";
import type { Config } from "../config/schema.ts";
import type { Asked } from "./measurements.ts";

/**
 * What of a sweep's measurements a point can have. A projection of the output is no encoder: fine-tuning would not keep it, and closing
 * heads knows nothing of it.
 */
export const askedOf = <A extends Pick<Asked, "glue" | "where">>(config: Config, asked: A): A =>
  isProjection(config) ? { ...asked, glue: [], where: false } : asked;
