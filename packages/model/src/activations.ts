import { gelu, geluTanh, tf } from "@pruning-bias/runtime";

/** Activations by the name that Hugging Face's `hidden_act` gives them. */
export const activations = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (x: tf.Tensor2D): tf.Tensor2D => tf.relu(x),
  tanh: (x: tf.Tensor2D): tf.Tensor2D => tf.tanh(x),
};
export type ActivationName = keyof typeof activations;
