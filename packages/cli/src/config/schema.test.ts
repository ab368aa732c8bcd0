import { NnPruningSettings, PruningSettings } from "@pruning-bias/pruning";
import { expect, it } from "vitest";
import { z } from "zod";
import { Sweep } from "../sweep/index.ts";
import { Config } from "./schema.ts";

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
}

/** Paths of the settings that nothing is said of. */
function silent(node: Node, path: string): string[] {
  const group = [node, ...(node.anyOf ?? [])].find(({ properties }) => properties !== undefined);
  if (group === undefined) return node.description === undefined ? [path] : [];
  return Object.entries(group.properties!).flatMap(([key, inner]) => silent(inner, `${path}.${key}`));
}

it.each(Object.entries({ Config, Sweep, PruningSettings, NnPruningSettings }))(
  "every setting of %s says what it is",
  (name, schema) => {
    const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    expect(silent(json as Node, name)).toEqual([]);
  },
);
