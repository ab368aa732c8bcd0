import { describeGolden } from "@pruning-bias/oracle";
import { binarise, hostBinarise, type MethodName } from "@pruning-bias/pruning";
import { tf } from "@pruning-bias/runtime";
import { describe, expect, test } from "vitest";
import { array, backends, flat, type Nested, readCases } from "./fixtures.ts";

interface Settings {
  readonly method: string;
  readonly threshold: number;
  readonly min_elements?: number;
}

interface VectorSettings extends Settings {
  readonly layout: string;
  readonly shape: readonly [number, number];
}

const ours = new Set(["sigmoid_threshold", "threshold", "topK"]);
const missing = ({ method }: Settings) => (ours.has(method) ? "" : ` (skipped: no method ${method} yet)`);

describeGolden("masks of scores", "masks.json", (path) => {
  for (const { name, settings, inputs, expected } of readCases<Settings, { scores: Nested }, { mask: Nested }>(
    path,
    "binarizer",
  )) {
    test.skipIf(missing(settings) !== "")(`${name}${missing(settings)}`, async () => {
      const scores = array(inputs.scores);
      const masks = await everyWay(scores, settings);
      const reference = flat(expected.mask);
      const closed = (mask: number[]) => mask.filter((bit) => bit === 0).length;
      const sorted = Array.from(scores.data).toSorted((a, b) => a - b);
      const k = Math.max(scores.data.length - Math.floor((settings.min_elements ?? 0) * scores.data.length) - 1, 1);
      // nn_pruning drops every score equal to the k-th smallest, ours only as many as it takes.
      const tied = settings.min_elements && sorted[k] === sorted[k - 1] && closed(reference) > k;
      for (const mask of masks) {
        expect(mask).toEqual(masks[0]);
        const fewer = mask.every((bit, i) => bit >= reference[i]!) && closed(mask) === k;
        expect(tied ? fewer : mask).toEqual(tied ? true : reference);
      }
    });
  }
});

describeGolden("masks of score vectors", "masks.json", (path) => {
  type Inputs = { row: Nested | null; col: Nested | null };
  for (const { name, settings, inputs, expected } of readCases<VectorSettings, Inputs, { mask: Nested }>(
    path,
    "score vectors",
  )) {
    const differs = settings.method === "topK" || settings.min_elements !== 0;
    const reason =
      settings.layout !== "1d_alt"
        ? ` (skipped: no layout ${settings.layout} yet)`
        : differs
          ? " (skipped: ours counts neurons, not weights)"
          : missing(settings);
    test.skipIf(reason !== "")(`${name}${reason}`, async () => {
      const [outputs, inputWidth] = settings.shape;
      for (const mask of await everyWay(array((inputs.row ?? inputs.col)!), settings)) {
        const bit = (row: number, column: number) =>
          inputs.row === null
            ? mask[Math.floor((column * mask.length) / inputWidth)]
            : mask[Math.floor((row * mask.length) / outputs)];
        const full = Array.from({ length: outputs }, (_, i) => Array.from({ length: inputWidth }, (_, j) => bit(i, j)));
        expect(full).toEqual(expected.mask);
      }
    });
  }
});

describe("the gradient of a mask", () => {
  test.each(backends)("reaches open and closed scores unchanged (%s)", async (_, compile) => {
    const run = compile(({ scores, dy }: { scores: tf.Tensor; dy: tf.Tensor }) => {
      const loss = (s: tf.Tensor) =>
        tf.sum(tf.mul(binarise(s, tf.scalar(0.5), { method: "sigmoid_threshold", minElements: 0 }), dy));
      return { gradient: tf.grad(loss)(scores) };
    });
    const { gradient } = await run({
      scores: array([
        [-3, 2],
        [0, 1],
      ]),
      dy: array([
        [1, -2],
        [3, 0.5],
      ]),
    });
    expect(Array.from(gradient.data)).toEqual([1, -2, 3, 0.5]);
  });
});

/** The mask on the host, eagerly, compiled. */
async function everyWay(scores: ReturnType<typeof array>, settings: Settings): Promise<number[][]> {
  const binariser = { method: settings.method as MethodName, minElements: settings.min_elements ?? 0 };
  const masks = [Array.from(hostBinarise(scores, settings.threshold, binariser).data)];
  for (const [, compile] of backends) {
    const run = compile(({ scores, threshold }: { scores: tf.Tensor; threshold: tf.Scalar }) => ({
      mask: binarise(scores, threshold, binariser),
    }));
    masks.push(Array.from((await run({ scores, threshold: settings.threshold })).mask.data));
    await run.dispose();
  }
  return masks;
}
