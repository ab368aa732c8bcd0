import { z } from "zod";
import { knownKeys } from "../config/compose.ts";
import { presetNames } from "../presets/index.ts";
import { Sweep } from "./points.ts";

/** The JSON Schema of a sweep file: editors complete its keys and presets, and mark what is no setting. */
export function sweepSchema(): object {
  const schema = z.toJSONSchema(Sweep, { io: "input" });
  const { grid, base } = schema.properties as Record<string, Record<string, unknown>>;
  const settings = { enum: knownKeys() };
  grid!["propertyNames"] = { anyOf: [settings, { pattern: "^datamodule\\.seat_data\\.[^.]+$" }] };
  grid!["properties"] = {
    experiment: { type: "array", items: { enum: presetNames } },
  };
  base!["items"] = { type: "string", pattern: "^[^=]+=" };
  return { title: "A sweep of pruning-bias", ...schema };
}
