import { tf } from "@pruning-bias/runtime";
import type { Noise } from "./methods.ts";

const [LOW, HIGH, BETA] = [-0.1, 1.1, 2 / 3] as const;
// Uniform noise is kept away from 0 and 1, where its logit has no end.
const EDGE = 1e-4;

/**
 * The hard concrete gate of scores S (Louizos et al. 2018, Eq. 10–13): s̄ = s·(ζ − γ) + γ, clipped to [0, 1], with
 * γ = −.1, ζ = 1.1. While training s = σ((ln u − ln(1 − u) + S)/β), u uniform and β = ⅔; in evaluation s = σ(S). Any
 * shape; differentiable where it is not clipped.
 */
export function hardConcrete(scores: tf.Tensor, noise?: Noise): tf.Tensor {
  const stretched = tf.add(tf.mul(tf.sigmoid(noise ? disturbed(scores, noise) : scores), HIGH - LOW), LOW);
  return tf.clipByValue(stretched, 0, 1);
}

/** The gate of one score in evaluation, on the host. */
export function hostHardConcrete(score: number): number {
  const s = Math.fround(1 / (1 + Math.exp(-score)));
  return Math.min(1, Math.max(0, Math.fround(Math.fround(s * Math.fround(HIGH - LOW)) + Math.fround(LOW))));
}

/** σ(S − β·ln(−γ/ζ)), the chance that a gate is not 0 (Louizos et al. 2018, Eq. 12): what the regulariser l0 counts. */
export const chanceShift = BETA * Math.log(-LOW / HIGH);

function disturbed(scores: tf.Tensor, noise: Noise): tf.Tensor {
  const u = tf.clipByValue(noise.uniform(scores.shape), EDGE, 1 - EDGE);
  const logit = tf.sub(tf.log(u), tf.log(tf.sub(1, u)));
  return tf.div(tf.add(logit, scores), BETA);
}
