import { type BertConfig, labelCount } from "./config.ts";

/** Shapes of parameters by name, in network order. */
export type Shapes = Record<string, number[]>;

/** The parameters of the encoder. */
export function encoderShapes(config: BertConfig): Shapes {
  const { hidden_size: D, intermediate_size: F } = config;
  const layer = (name: string): Shapes => ({
    ...dense(`${name}.attention.self.query`, D, D),
    ...dense(`${name}.attention.self.key`, D, D),
    ...dense(`${name}.attention.self.value`, D, D),
    ...dense(`${name}.attention.output.dense`, D, D),
    ...norm(`${name}.attention.output.LayerNorm`, D),
    ...dense(`${name}.intermediate.dense`, F, D),
    ...dense(`${name}.output.dense`, D, F),
    ...norm(`${name}.output.LayerNorm`, D),
  });
  return {
    "embeddings.word_embeddings.weight": [config.vocab_size, D],
    "embeddings.position_embeddings.weight": [config.max_position_embeddings, D],
    "embeddings.token_type_embeddings.weight": [config.type_vocab_size, D],
    ...norm("embeddings.LayerNorm", D),
    ...Object.assign({}, ...Array.from({ length: config.num_hidden_layers }, (_, l) => layer(`encoder.layer.${l}`))),
  };
}

/** The parts that may stand on an encoder, each whole or absent. */
export const headParts = ["pooler", "masked-lm", "next-sentence", "classifier"] as const;
export type HeadPart = (typeof headParts)[number];

/** The parameters of a head's part. */
export function headShapes(config: BertConfig, part: HeadPart): Shapes {
  const { hidden_size: D, vocab_size: V } = config;
  if (part === "pooler") return dense("pooler.dense", D, D);
  if (part === "classifier") return dense("classifier", labelCount(config), D);
  if (part === "next-sentence") return dense("cls.seq_relationship", 2, D);
  return {
    "cls.predictions.bias": [V], // the decoder's weight is the table of word embeddings
    ...dense("cls.predictions.transform.dense", D, D),
    ...norm("cls.predictions.transform.LayerNorm", D),
  };
}

/** Whether any parameter of the part is among the names. */
export const hasPart = (config: BertConfig, part: HeadPart, weights: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(headShapes(config, part)).some((name) => name in weights);

const dense = (name: string, out: number, width: number): Shapes => ({
  [`${name}.weight`]: [out, width],
  [`${name}.bias`]: [out],
});

const norm = (name: string, width: number): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] });
