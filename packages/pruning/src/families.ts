import type { EncoderSizes } from "./layout.ts";

/** What a linear layer does in its encoder layer, in the order of the network. */
export const roles = ["query", "key", "value", "output", "intermediate", "ffnOutput"] as const;
export type Role = (typeof roles)[number];

/** How a family names its layers: Hugging Face's names without the prefix of the family. */
interface Family {
  /** Of a layer's modules. */
  readonly prefix: (layer: number) => string;
  readonly modules: Readonly<Record<Role, string>>;
  /** Layers that have weights of their own; the network runs through some more than once where they are shared. */
  readonly layers: (sizes: EncoderSizes) => number;
}

const bert: Family = {
  prefix: (layer) => `encoder.layer.${layer}`,
  modules: {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    output: "attention.output.dense",
    intermediate: "intermediate.dense",
    ffnOutput: "output.dense",
  },
  layers: (sizes) => sizes.num_hidden_layers,
};

const families: Readonly<Record<string, Family>> = {
  bert,
  roberta: bert,
  electra: bert,
  distilbert: {
    prefix: (layer) => `transformer.layer.${layer}`,
    modules: {
      query: "attention.q_lin",
      key: "attention.k_lin",
      value: "attention.v_lin",
      output: "attention.out_lin",
      intermediate: "ffn.lin1",
      ffnOutput: "ffn.lin2",
    },
    layers: (sizes) => sizes.num_hidden_layers,
  },
  // All layers share one set of weights, and so one set of scores.
  albert: {
    prefix: (layer) => `encoder.albert_layer_groups.${layer}.albert_layers.0`,
    modules: {
      query: "attention.query",
      key: "attention.key",
      value: "attention.value",
      output: "attention.dense",
      intermediate: "ffn",
      ffnOutput: "ffn_output",
    },
    layers: (sizes) => sizes.num_hidden_groups ?? 1,
  },
};

/** Full names of the linear layers, for each layer that has weights of its own. */
export function layerModules(sizes: EncoderSizes): Readonly<Record<Role, string>>[] {
  const type = sizes.model_type ?? "bert";
  const family = families[type];
  if (family === undefined) {
    throw new Error(`scoreLayout: model_type: expected one of ${Object.keys(families).join(", ")}, got ${type}`);
  }
  return Array.from({ length: family.layers(sizes) }, (_, layer) => {
    const names = roles.map((role) => [role, `${family.prefix(layer)}.${family.modules[role]}`] as const);
    return Object.fromEntries(names) as Record<Role, string>;
  });
}
