import { type BertConfig, embeddingSize, labelCount, layerSizes, projectsEmbeddings, weightSets } from "./config.ts";
import { familyOf, type HeadPart } from "./families.ts";

/** Shapes of parameters by name, in network order. */
export type Shapes = Record<string, number[]>;

/** The parameters of the encoder with their shapes, such as [out, in], in network order. */
export function encoderShapes(config: BertConfig): Shapes {
  const { hidden_size: D } = config;
  const E = embeddingSize(config);
  const layer = (set: number): Shapes => {
    const name = `encoder.layer.${set}`;
    const { heads, query_size, value_size, uniform_size, intermediate_size: F } = layerSizes(config, set);
    return {
      ...dense(`${name}.attention.self.query`, heads * query_size, D),
      ...dense(`${name}.attention.self.key`, heads * query_size, D),
      ...dense(`${name}.attention.self.value`, heads * value_size, D),
      ...dense(`${name}.attention.output.dense`, D, heads * value_size),
      ...dense(`${name}.attention.uniform.value`, uniform_size, D),
      ...(uniform_size > 0 && { [`${name}.attention.uniform.output.weight`]: [D, uniform_size] }),
      ...norm(`${name}.attention.output.LayerNorm`, D),
      ...dense(`${name}.intermediate.dense`, F, D),
      ...dense(`${name}.output.dense`, D, F),
      ...norm(`${name}.output.LayerNorm`, D),
    };
  };
  return {
    "embeddings.word_embeddings.weight": [config.vocab_size, E],
    "embeddings.position_embeddings.weight": [config.max_position_embeddings, E],
    ...(familyOf(config).segments && { "embeddings.token_type_embeddings.weight": [config.type_vocab_size, E] }),
    ...norm("embeddings.LayerNorm", E),
    ...(projectsEmbeddings(config) && dense("embeddings_project", D, E)),
    ...Object.assign({}, ...Array.from({ length: weightSets(config) }, (_, set) => layer(set))),
  };
}

/** The parameters of a head's part with their shapes; none where the family has no such part. */
export function headShapes(config: BertConfig, part: HeadPart): Shapes {
  const { hidden_size: D, vocab_size: V } = config;
  const { classifier, orderByLabels, pooler } = familyOf(config);
  const E = embeddingSize(config);
  switch (part) {
    case "pooler":
      return pooler ? dense("pooler.dense", D, D) : {};
    case "classifier":
      return {
        ...(classifier.hidden !== "pooler.dense" && dense(classifier.hidden, D, D)),
        ...dense(classifier.output, labelCount(config), D),
      };
    case "next-sentence":
      return dense("cls.seq_relationship", orderByLabels ? labelCount(config) : 2, D);
    case "replaced-token":
      return {
        ...dense("discriminator_predictions.dense", D, D),
        ...dense("discriminator_predictions.dense_prediction", 1, D),
      };
    case "masked-lm":
      return {
        "cls.predictions.bias": [V], // the decoder's weight is the table of word embeddings
        ...dense("cls.predictions.transform.dense", E, D),
        ...norm("cls.predictions.transform.LayerNorm", E),
      };
  }
}

/** Whether any parameter of the part is among the names. */
export const hasPart = (config: BertConfig, part: HeadPart, weights: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(headShapes(config, part)).some((name) => name in weights);

/** What has no elements is not stored: a compact layer may have lost all its heads or neurons. */
const dense = (name: string, out: number, width: number): Shapes => ({
  ...(out * width > 0 && { [`${name}.weight`]: [out, width] }),
  ...(out > 0 && { [`${name}.bias`]: [out] }),
});

const norm = (name: string, width: number): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] });
