import type { EncoderSizes } from "./layout.ts";

/** What a linear layer does in its encoder layer, in the order of the network. */
export const roles = ["query", "key", "value", "output", "intermediate", "ffnOutput"] as const;
export type Role = (typeof roles)[number];

/** Names of its linear layers, those of BERT in every family. */
const modules: Readonly<Record<Role, string>> = {
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  output: "attention.output.dense",
  intermediate: "intermediate.dense",
  ffnOutput: "output.dense",
};

/**
 * Full names of the linear layers, for each set of weights: one for each layer, or fewer where layers share them, as in
 * ALBERT.
 */
export const layerModules = ({
  num_hidden_groups,
  num_hidden_layers,
}: Pick<EncoderSizes, "num_hidden_groups" | "num_hidden_layers">): Readonly<Record<Role, string>>[] =>
  Array.from({ length: num_hidden_groups ?? num_hidden_layers }, (_, set) => {
    const names = roles.map((role) => [role, `encoder.layer.${set}.${modules[role]}`] as const);
    return Object.fromEntries(names) as Record<Role, string>;
  });
