import type { tf } from "@pruning-bias/runtime";

/**
 * Parameters by Hugging Face's names without the `bert.` prefix, such as
 * `encoder.layer.0.attention.self.query.weight`; heads as `pooler.…`, `classifier.…`, `cls.predictions.…`.
 */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** The parameter of that name. @throws Error where there is none */
export function parameter<T extends tf.Tensor>(weights: Weights, name: string): T {
  const found = weights[name];
  if (found === undefined) throw new Error(`weights: expected ${name}, got none of that name`);
  return found as T;
}
