import { dealt } from "@pruning-bias/data";
import { type NDArray, zeros } from "@pruning-bias/runtime";
import { accumulate, allShared, type Arrays } from "@pruning-bias/training";
import type { Microbatch } from "./microbatches.ts";

/** A micro-batch, and the program that adds its gradients to `sum`, in place, and returns its loss. */
export interface Addend {
  readonly piece: Microbatch;
  readonly addTo: (sum: Arrays, number: number, into: Added) => Promise<Added>;
}

interface Added {
  readonly loss: NDArray;
  readonly gradients: Record<string, NDArray>;
}

/**
 * Sums of gradients over micro-batches. They are dealt out to the devices by size; each adds up its own one after the
 * other, and the sums of all are added in the order of devices: for a number of them the result is the same to the bit.
 *
 * The gradients stay valid until the next call, which writes the same arrays.
 */
export function gradientSums(devices: number) {
  const sums = Array.from({ length: devices }, () => new GradientSum(devices > 1));
  return async (trained: Arrays, addends: readonly Addend[]): Promise<{ losses: number[]; gradients: Arrays }> => {
    const numbered = addends.map((addend, number) => ({ ...addend, number }));
    const lists = dealt(numbered, devices, ({ piece }) => piece.batch.shape[0] * piece.batch.shape[1]);
    const losses: number[] = [];
    const parts = await Promise.all(
      lists.map(async (own, device) => {
        const sum = sums[device]!;
        sum.clear();
        for (const one of own.toSorted((a, b) => a.number - b.number)) losses[one.number] = await sum.add(trained, one);
        return sum.gradients();
      }),
    );
    const [gradients, ...others] = parts as [Record<string, NDArray>, ...Arrays[]];
    for (const other of others) accumulate(gradients, other);
    return { losses, gradients };
  };
}

/** Programs add their gradients into these arrays; those that one has added to are cleared before the next batch. */
class GradientSum {
  readonly #sum: Record<string, NDArray> = {};
  readonly #added = new Set<string>();
  readonly #shared: boolean;

  constructor(shared: boolean) {
    this.#shared = shared;
  }

  clear(): void {
    for (const name of this.#added) this.#sum[name]!.data.fill(0);
    this.#added.clear();
  }

  /** Returns the loss of the micro-batch. */
  async add(trained: Arrays, { addTo, number }: Addend & { readonly number: number }): Promise<number> {
    for (const [name, { shape }] of Object.entries(trained)) this.#sum[name] ??= this.#zeros(shape);
    const { loss, gradients } = await addTo(this.#sum, number, { loss: zeros([]), gradients: this.#sum });
    for (const name of Object.keys(gradients)) this.#added.add(name);
    return loss.data[0]!;
  }

  gradients(): Record<string, NDArray> {
    return Object.fromEntries([...this.#added].map((name) => [name, this.#sum[name]!]));
  }

  #zeros(shape: readonly number[]): NDArray {
    const array = zeros(shape);
    return this.#shared ? allShared({ array })["array"]! : array;
  }
}
