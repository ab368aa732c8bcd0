import { padBatch, type Sentences } from "@pruning-bias/data";
import { type BertConfig, type Checkpoint, encode, maskedLmLogits } from "@pruning-bias/model";
import {
  generator,
  generatorAt,
  type Jit,
  jit as compiled,
  ndarray,
  softmaxCrossEntropy,
  type Random,
  tf,
  valueAndGradients,
} from "@pruning-bias/runtime";
import { globalNorm } from "./clipping.ts";
import { expectConvergence, expectFinite } from "./divergence.ts";
import { hostOptimizer } from "./host-optimizer.ts";
import { maskTokens, type MaskingOptions } from "./masking.ts";
import { initialState, type Tensors } from "./optimizer.ts";
import { flatThenLinear } from "./schedule.ts";
import type { TrainingState } from "./training-state.ts";

/** What `pretrain` trains, on what, and for how long. */
export interface PretrainOptions {
  /** A masked language model: config and weights, drawn or loaded. */
  readonly checkpoint: Checkpoint;
  /** To train on, at least one. */
  readonly sentences: Sentences;
  /** What is hidden. */
  readonly masking: MaskingOptions;
  /** Batches to train on. */
  readonly steps: number;
  /** Sentences of a step; 64 by default. */
  readonly batchSize?: number;
  /** Its highest; 1e-3 by default. */
  readonly learningRate?: number;
  /** Of the order of sentences, what is hidden, and dropout; 42 by default. */
  readonly seed?: number;
  /** Goes on from here, with the settings that this state came from; from the start by default. */
  readonly resume?: TrainingState;
  /** What compiles programs; ONNX graphs on the processor by default. */
  readonly jit?: Jit;
}

/** One step of masked language modelling was made. */
export interface PretrainEvent {
  /** From 1. */
  readonly step: number;
  /** Of the run. */
  readonly totalSteps: number;
  /** That went through the encoder, without padding. */
  readonly tokens: number;
  /** Mean cross entropy of the hidden tokens, nats. */
  readonly loss: number;
  /** Everything that the steps to come depend on; its arrays are the run's own until the next event is asked for. */
  readonly state: () => TrainingState;
}

/**
 * Trains all weights of a masked language model (Devlin et al. 2019) with AdamW, the learning rate
 * flat for the first half and then falling to 0.
 *
 * Yields the loss of each step; returns the trained checkpoint.
 *
 * @throws RangeError for no sentences, or steps or a batch size that are none; DivergenceError where the loss is no number or
 *   explodes, or a parameter is no number
 */
export async function* pretrain({
  checkpoint,
  sentences,
  masking,
  steps,
  batchSize = 64,
  learningRate = 1e-3,
  seed = 42,
  resume,
  jit = compiled,
}: PretrainOptions): AsyncGenerator<PretrainEvent, Checkpoint> {
  const { config } = checkpoint;
  if (sentences.length === 0) throw new RangeError("pretrain: expected sentences, got none");
  for (const [name, count, least] of [
    ["steps", steps, 0],
    ["batchSize", batchSize, 1],
  ] as const) {
    if (!(Number.isInteger(count) && count >= least)) {
      throw new RangeError(`pretrain: ${name}: expected a whole number of at least ${least}, got ${count}`);
    }
  }
  const step = jit(maskedLmStep(config));
  const { update } = hostOptimizer([{ names: Object.keys(checkpoint.weights), learningRate, variant: "torch" }]);
  const random = resume === undefined ? generator(seed) : generatorAt(resume.values["generator"] as number[]);
  let state = resume?.optimizer ?? initialState(checkpoint.weights);
  let order = (resume?.arrays["order"]!.data as Int32Array | undefined) ?? new Int32Array();
  let firstLoss = resume?.values["firstLoss"] as number | undefined;
  try {
    for (let done = resume?.step ?? 0; done < steps; done++) yield await next(done);
    expectFinite(steps, state.parameters);
    return { ...checkpoint, weights: { ...state.parameters } as Checkpoint["weights"] };
  } finally {
    // Also where nobody asks for the next step.
    await step.dispose();
  }

  async function next(done: number): Promise<PretrainEvent> {
    if (order.length < batchSize)
      order = random.shuffle(Int32Array.from({ length: sentences.length }, (_, row) => row));
    const rows = order.subarray(0, batchSize);
    const batch = padBatch(sentences, rows, { batchSize, pad: config.pad_token_id ?? 0 });
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
    firstLoss ??= value;
    const where = { step: done + 1, batch: `sentences ${rows.subarray(0, 8).join(", ")} …` };
    expectConvergence({ ...where, loss: value, gradientNorm: globalNorm(gradients), firstLoss });
    state = await update(state, gradients, flatThenLinear(done, steps));
    const values = { generator: random.state(), firstLoss };
    const arrays = { order: ndarray(order) };
    const current = { step: done + 1, optimizer: state, arrays, values };
    return {
      ...{ step: done + 1, totalSteps: steps, tokens: batch.tokens, loss: value },
      state() {
        expectFinite(current.step, current.optimizer.parameters);
        return current;
      },
    };
  }
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
      const last = encode(config, p, { inputIds, attentionMask }, { random }).at(-1)!; // [batch, length, hidden]
      const [batch, width, dim] = last.shape;
      const rows = tf.gather(tf.reshape(last, [batch * width, dim]), positions) as tf.Tensor2D; // [K, hidden]
      return tf.sum(tf.mul(softmaxCrossEntropy(maskedLmLogits(config, p, rows), labels), weights));
    }, parameters);
    return { loss, gradients };
  };
