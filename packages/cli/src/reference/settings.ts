import { z } from "zod";
import { Config } from "../config/schema.ts";
import { cell, table } from "./table.ts";

type Schema = Record<string, unknown>;

/** All settings as a page: a table for each group, from the schema. */
export function settingsReference(): string {
  const schema = z.toJSONSchema(Config, { io: "input" }) as Schema;
  const groups: [path: string, rows: string[][], about: string][] = [];
  collect("", schema, groups);
  const sections = groups.map(([path, rows, about]) => {
    const heading = path === "" ? "## At the top" : `## \`${path}\``;
    return `${heading}\n\n${about === "" ? "" : `${about}\n\n`}${table(["setting", "takes", "default", ""], rows)}`;
  });
  return `# Settings\n\nAll that can be set as \`key=value\`, under the names of the original's configuration. \`pruning-bias config [override…]\` prints them with what set each.\n\n${sections.join("\n\n")}\n`;
}

function collect(path: string, schema: Schema, groups: [string, string[][], string][]): void {
  const rows: string[][] = [];
  groups.push([path, rows, String(schema["description"] ?? "")]);
  for (const [key, value] of Object.entries((schema["properties"] ?? {}) as Record<string, Schema>)) {
    const own = path === "" ? key : `${path}.${key}`;
    const inner = branches(value).find((branch) => branch["properties"] !== undefined);
    if (inner !== undefined) {
      collect(own, { ...inner, description: value["description"] ?? inner["description"] ?? "" }, groups);
      continue;
    }
    rows.push([`\`${own}\``, cell(takes(value)), cell(defaultOf(value)), cell(String(value["description"] ?? ""))]);
  }
}

function branches(schema: Schema): Schema[] {
  return [schema, ...((schema["anyOf"] ?? []) as Schema[]).flatMap(branches)];
}

function takes(schema: Schema): string {
  const any = schema["anyOf"] as Schema[] | undefined;
  if (any !== undefined) return [...new Set(any.map(takes))].join(" or ");
  if (schema["enum"] !== undefined)
    return (schema["enum"] as unknown[]).map((value) => `\`${String(value)}\``).join(", ");
  if ("const" in schema) return `\`${String(schema["const"])}\``;
  const [least, most] = [schema["minimum"], schema["maximum"]];
  const above = schema["exclusiveMinimum"];
  const from =
    above !== undefined
      ? `above ${String(above)}`
      : least !== undefined && Number(least) > -1e15
        ? `from ${String(least)}`
        : "";
  const to = most !== undefined && Number(most) < 1e15 ? `to ${String(most)}` : "";
  return [schema["type"] === "integer" ? "whole number" : names[String(schema["type"])], from, to]
    .filter(Boolean)
    .join(" ");
}

const names: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "`true` or `false`",
  null: "`null`",
  object: "names and texts",
  number: "number",
};

const defaultOf = (schema: Schema): string =>
  schema["default"] === undefined ? "" : `\`${JSON.stringify(schema["default"])}\``;
