import { fitting, hostLeaves, isHostLeaf, isTensor, outputsOf, toHost } from "./host.ts";
import type { Compiled, HostInput, HostOutput, Jit, TensorFunction } from "./jit.ts";
import { type NDArray, scalar, sizeOf } from "./ndarray.ts";
import { randomBytes, type RandomKey } from "./random-bytes.ts";
import { type Random, randomFrom } from "./random.ts";
import { tf } from "./tf.ts";
import { mapTree, type Tree } from "./tree.ts";

/** A `Jit` that compiles nothing: it runs tensor functions op by op on a backend that TensorFlow.js knows by this name. */
export function eagerOn(backend: string): Jit {
  return <I, O>(fn: TensorFunction<I, O>): Compiled<I, O> => {
    const call = async (
      inputs: HostInput<I>,
      key: RandomKey = { seed: 0, counter: 0 },
      into?: HostOutput<O>,
    ): Promise<HostOutput<O>> => {
      hostLeaves(inputs); // names a bad leaf before anything runs
      void tf.setBackend(backend);
      try {
        let outputs: unknown;
        tf.tidy(() => {
          const tensors = mapTree(inputs as Tree<NDArray | number>, isHostLeaf, toTensor) as I;
          const given = new Map(into === undefined ? [] : hostLeaves(into));
          outputs = mapTree(outputsOf(fn(tensors, hostRandom(key))), isTensor, (tensor, path) => {
            if (into === undefined) return toHost(tensor);
            const array = fitting(path, given.get(path), tensor.shape);
            array.data.set(tensor.dataSync());
            return array;
          });
        });
        return outputs as HostOutput<O>;
      } finally {
        void tf.setBackend("cpu");
      }
    };
    return Object.assign(call, { dispose: async () => {} });
  };
}

/** Runs a tensor function op by op on TensorFlow.js' JavaScript backend: slow, and the check for every other backend. */
export const eager: Jit = eagerOn("cpu");

function toTensor(leaf: NDArray | number): tf.Tensor {
  const { data, shape, dtype } = typeof leaf === "number" ? scalar(leaf) : leaf;
  return tf.tensor(data, [...shape], dtype);
}

function hostRandom(key: RandomKey): Random {
  let site = 0;
  const draw = (shape: readonly number[], own: number, value: (byte: number) => number) =>
    tf.tensor(Float32Array.from(randomBytes(key, own, sizeOf(shape)), value), [...shape]);
  return randomFrom({
    mask(shape, least) {
      const own = site++;
      const mask = () => draw(shape, own, (byte) => Number(byte >= least));
      return { forward: mask, backward: mask };
    },
    bytes: (shape) => draw(shape, site++, (byte) => byte),
  });
}
