import ort from "onnxruntime-node";
import { ndarray, type NDArray, sizeOf } from "../ndarray.ts";
import { randomBytes, type RandomKey } from "../random-bytes.ts";

/** What a graph is run on, by the names of its inputs and outputs. */
export interface Call {
  readonly inputs: Readonly<Record<string, NDArray>>;
  /** Inputs of random bytes. */
  readonly noise: readonly Noise[];
  readonly key: RandomKey;
  /** All outputs, each with the array that it is written into, or `null` for a new one. */
  readonly outputs: Readonly<Record<string, NDArray | null>>;
}

export interface Noise {
  readonly name: string;
  readonly site: number;
  readonly shape: readonly number[];
}

/** A graph that onnxruntime has loaded. */
export interface Session {
  run(call: Call): Promise<Record<string, NDArray>>;
  release(): Promise<void>;
}

export type SessionOptions = ort.InferenceSession.SessionOptions;
export type OpenSession = (model: Uint8Array, options: SessionOptions) => Promise<Session>;

/** Runs a graph on the thread that calls, which onnxruntime holds until it is done. */
export const openSession: OpenSession = async (model, options) => {
  const session = await ort.InferenceSession.create(model, options);
  return {
    async run({ inputs, noise, key, outputs }) {
      const feeds = mapped(inputs, toOrt);
      for (const { name, site, shape } of noise) {
        feeds[name] = new ort.Tensor("uint8", randomBytes(key, site, sizeOf(shape)), shape);
      }
      const fetches = mapped(outputs, (array) => array && toOrt(array));
      const results = await session.run(feeds, fetches);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, array]) => {
          const { data, dims } = results[name]!;
          return [name, array ?? ndarray(data as NDArray["data"], dims)];
        }),
      );
    },
    release: () => session.release(),
  };
};

const toOrt = ({ dtype, data, shape }: NDArray): ort.Tensor => new ort.Tensor(dtype, data as never, shape);

const mapped = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
