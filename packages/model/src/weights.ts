import type { tf } from "@pruning-bias/runtime";

/**
 * Parameters under BERT's names in Hugging Face's files, without the prefix `bert.`, whatever the family:
 * `encoder.layer.0.attention.self.query.weight`; heads as `pooler.…`, `classifier.…`, `cls.predictions.…`, and those that
 * BERT does not have under their own names.
 */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** The parameter of that name, [out, in] or [n]. @throws Error where there is none */
export function parameter<T extends tf.Tensor>(weights: Weights, name: string): T {
  const found = weights[name];
  if (found === undefined) throw new Error(`weights: expected ${name}, got none of that name`);
  return found as T;
}
