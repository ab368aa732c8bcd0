import { type ModelFunction, onnxModel, tf } from "@pruning-bias/runtime";
import type { Checkpoint } from "./checkpoint.ts";
import { type BertConfig, maxTokens } from "./config.ts";
import { encode } from "./encoder.ts";
import { familyOf, type HeadPart } from "./families.ts";
import { maskedLmLogits, replacedTokenLogits, sequenceLogits } from "./heads.ts";
import { hasPart } from "./parameters.ts";
import type { Weights } from "./weights.ts";

/**
 * The checkpoint as the bytes of an ONNX model for batches and sequences of every length, with the inputs and outputs that
 * Hugging Face's transformers.js and optimum expect: `input_ids`, `attention_mask` and, where the family has segments,
 * `token_type_ids`, int64 [batch, sequence]; `last_hidden_state` [batch, sequence, hidden] and, where there is a head,
 * `logits`.
 *
 * @throws RangeError for weights of 2 GB or more, or fewer than 5 positions
 */
export function checkpointToOnnx({ config, weights }: Checkpoint): Uint8Array {
  const head = heads.find(([part]) => hasPart(config, part, weights))?.[1];
  const axes = ["batch", "sequence"] as const;
  const segments = familyOf(config).segments && config.type_vocab_size > 1;
  const inputs = { input_ids: axes, attention_mask: axes, ...(segments && { token_type_ids: axes }) };
  const forward = ({ inputs: ids, weights }: ModelInputs): Record<string, tf.Tensor> => {
    const batch = { inputIds: ids["input_ids"]!, attentionMask: ids["attention_mask"]! };
    const last = encode(config, weights, { ...batch, tokenTypeIds: ids["token_type_ids"] }).at(-1)!;
    return { last_hidden_state: last, ...(head !== undefined && { logits: head(config, weights, last) }) };
  };
  const sequence = Math.min(7, maxTokens(config));
  if (sequence < 5) throw new RangeError(`onnx: expected a model of at least 5 positions, got ${sequence}`);
  const sizes = [0, 1, 3].map((less) => ({ batch: 2 + less, sequence: sequence - less }));
  return onnxModel(forward, { inputs, weights, sizes, producer: "pruning-bias" });
}

type ModelInputs = Parameters<ModelFunction<string, string>>[0];

type HeadLogits = (config: BertConfig, weights: Weights, last: tf.Tensor3D) => tf.Tensor;

/** Logits of the first of these that a checkpoint has. */
const heads: readonly (readonly [HeadPart, HeadLogits])[] = [
  ["classifier", sequenceLogits],
  [
    "masked-lm",
    (config, weights, last) => {
      const [B, S, D] = last.shape;
      const logits = maskedLmLogits(config, weights, tf.reshape(last, [B * S, D]));
      return tf.reshape(logits, [B, S, config.vocab_size]);
    },
  ],
  ["replaced-token", replacedTokenLogits],
];
