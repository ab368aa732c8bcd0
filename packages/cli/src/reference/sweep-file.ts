import { z } from "zod";
import { Sweep } from "../sweep/points.ts";
import { cell, table } from "./table.ts";

type Schema = Record<string, unknown>;

/** The sweep file as a page. */
export function sweepFileReference(): string {
  const { properties } = z.toJSONSchema(Sweep, { io: "input" }) as { properties: Record<string, Schema> };
  const slurm = (properties["slurm"]!["properties"] ?? {}) as Record<string, Schema>;
  const rows = (of: Record<string, Schema>, prefix = "") =>
    Object.entries(of)
      .filter(([key]) => key !== "$schema")
      .map(([key, schema]) => [`\`${prefix}${key}\``, cell(String(schema["description"] ?? ""))]);
  return `# Sweep files

\`experiments/NAME/sweep.json\`. \`"$schema": "../sweep.schema.json"\` lets editors complete and check it; \`pruning-bias sweep --schema\` prints that schema.

${table(["key", ""], [...rows(properties), ...rows(slurm, "slurm.")])}
`;
}
