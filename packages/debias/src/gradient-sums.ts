import { dealt } from "@pruning-bias/data";
import { type NDArray, shared, zeros } from "@pruning-bias/runtime";
import { accumulate, type Arrays, together } from "@pruning-bias/training";
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
  const blank = (shape: readonly number[]) => (devices > 1 ? shared(zeros(shape)) : zeros(shape));
  const sums = Array.from({ length: devices }, () => gradientSum(blank));
  return async (trained: Arrays, addends: readonly Addend[]): Promise<{ losses: number[]; gradients: Arrays }> => {
    const numbered = addends.map((addend, number) => ({ ...addend, number }));
    const lists = dealt(numbered, devices, ({ piece }) => piece.batch.shape[0] * piece.batch.shape[1]);
    const losses: number[] = [];
    const parts = await together(
      sums.map(async ({ clear, add, gradients }, device) => {
        clear();
        const own = lists[device]!.toSorted((a, b) => a.number - b.number);
        for (const one of own) losses[one.number] = await add(trained, one);
        return gradients();
      }),
    );
    const [gradients, ...others] = parts as [Record<string, NDArray>, ...Arrays[]];
    for (const other of others) accumulate(gradients, other);
    return { losses, gradients };
  };
}

/** Programs add their gradients into its arrays; those that one has added to are cleared before the next batch. */
function gradientSum(blank: (shape: readonly number[]) => NDArray) {
  const sum: Record<string, NDArray> = {};
  const summed = new Set<string>();
  return {
    clear(): void {
      for (const name of summed) sum[name]!.data.fill(0);
      summed.clear();
    },
    /** Returns the loss of the micro-batch. */
    async add(trained: Arrays, { addTo, number }: Addend & { readonly number: number }): Promise<number> {
      for (const [name, { shape }] of Object.entries(trained)) sum[name] ??= blank(shape);
      const { loss, gradients } = await addTo(sum, number, { loss: zeros([]), gradients: sum });
      for (const name of Object.keys(gradients)) summed.add(name);
      return loss.data[0]!;
    },
    gradients: () => Object.fromEntries([...summed].map((name) => [name, sum[name]!])),
  };
}
