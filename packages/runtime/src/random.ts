import { createCipheriv, createHash } from "node:crypto";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Names a draw: the same key gives the same bytes on every machine and backend, and after a resume. */
export interface RandomKey {
  readonly seed: number;
  /** Position in the run: every step (and micro-batch) of it has its own. */
  readonly counter: number;
}

/** Noise inside a tensor function. Each draw is a *site*, counted in program order. */
export interface Random {
  /** Zeroes each element with probability `rate` and scales the rest, so that the mean stays; gradient likewise. */
  dropout<T extends import("./tf.ts").tf.Tensor>(x: T, rate: number): T;
}
