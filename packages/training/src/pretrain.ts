import { padBatch, type Sentences } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, encode, maskedLmLogits } from "@pruning-bias/model";
import {
  generator,
  type Jit,
  jit as compiled,
  ndarray,
  softmaxCrossEntropy,
  type Random,
  tf,
  valueAndGradients,
} from "@pruning-bias/runtime";
import type { Tensors } from "./adamw.ts";
import { maskTokens, type MaskingOptions } from "./masking.ts";
import { initialState, optimizer } from "./optimizer.ts";
import { flatThenLinear } from "./schedule.ts";

export interface PretrainOptions {
  /** A masked language model: config and weights, drawn or loaded. */
  readonly checkpoint: Checkpoint;
  readonly sentences: Sentences;
  readonly masking: MaskingOptions;
  readonly steps: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly seed?: number;
  readonly jit?: Jit;
}

export interface PretrainEvent {
  /** From 1. */
  readonly step: number;
  readonly totalSteps: number;
  /** Mean cross entropy of the hidden tokens, nats. */
  readonly loss: number;
}

/**
 * Trains all weights of a masked language model (Devlin et al. 2019) with AdamW, the learning rate
 * flat for the first half and then falling to 0.
 *
 * Yields the loss of each step; returns the trained checkpoint.
 */
export async function* pretrain({
  checkpoint,
  sentences,
  masking,
  steps,
  batchSize = 64,
  learningRate = 1e-3,
  seed = 42,
  jit = compiled,
}: PretrainOptions): AsyncGenerator<PretrainEvent, Checkpoint> {
  const { config } = checkpoint;
  const step = jit(maskedLmStep(config));
  const update = optimizer(jit, [{ names: Object.keys(checkpoint.weights), learningRate, variant: "torch" }]);
  const random = generator(seed);
  let state = initialState(checkpoint.weights);
  let order: Int32Array = new Int32Array();
  for (let done = 0; done < steps; done++) {
    if (order.length < batchSize)
      order = random.shuffle(Int32Array.from({ length: sentences.length }, (_, row) => row));
    const batch = padBatch(sentences, order.subarray(0, batchSize), { batchSize, pad: config.pad_token_id ?? 0 });
    order = order.subarray(batchSize);
    const { inputIds, positions, labels, weights } = maskTokens(batch.inputIds, batch.shape, masking, random);
    const { loss, gradients } = await step(
      {
        parameters: state.parameters,
        inputIds: ndarray(inputIds, batch.shape),
        attentionMask: ndarray(batch.attentionMask, batch.shape),
        positions: ndarray(positions),
        labels: ndarray(labels),
        weights: ndarray(weights),
      },
      { seed, counter: done },
    );
    const value = loss.data[0]!;
    if (!Number.isFinite(value)) throw new Error(`pretrain: expected a finite loss at step ${done + 1}, got ${value}`);
    state = await update(state, gradients, flatThenLinear(done, steps));
    yield { step: done + 1, totalSteps: steps, loss: value };
  }
  await Promise.all([step.dispose(), update.dispose()]);
  return { ...checkpoint, weights: { ...state.parameters } as Checkpoint["weights"] };
}

interface MaskedLmInputs {
  readonly parameters: Tensors;
  readonly inputIds: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
  readonly positions: tf.Tensor1D;
  readonly labels: tf.Tensor1D;
  readonly weights: tf.Tensor1D;
}

const maskedLmStep =
  (config: BertConfig) =>
  (
    { parameters, inputIds, attentionMask, positions, labels, weights }: MaskedLmInputs,
    random: Random,
  ): { loss: tf.Scalar; gradients: Tensors } => {
    const { value: loss, gradients } = valueAndGradients((p: Tensors) => {
      const last = encode(config, p, { inputIds, attentionMask }, { random }).at(-1)!; // (B, S, D)
      const [batch, width, dim] = last.shape;
      const rows = tf.gather(tf.reshape(last, [batch * width, dim]), positions) as tf.Tensor2D; // (K, D)
      return tf.sum(tf.mul(softmaxCrossEntropy(maskedLmLogits(config, p, rows), labels), weights));
    }, parameters);
    return { loss, gradients };
  };
