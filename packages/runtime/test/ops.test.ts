import { describe, expect, it } from "vitest";
import { eager, jit, type NDArray, tf, valueAndGradients } from "../src/index.ts";
import { rules } from "../src/onnx/kernels.ts";
import { uncoveredKernels } from "../src/onnx/kernels/uncovered.ts";
import { trace } from "../src/onnx/trace.ts";
import { expectClose } from "./close.ts";
import { elementwise } from "./ops/elementwise.ts";
import { matrices } from "./ops/matrices.ts";
import { reductions } from "./ops/reductions.ts";
import type { Op, Row } from "./ops/row.ts";
import { shapes } from "./ops/shapes.ts";

const table: readonly Row[] = [...elementwise, ...reductions, ...shapes, ...matrices];
const differentiable = table.filter(([, , , gradient]) => gradient !== undefined);

/** Rows for `it.each`, which knows tuples of one length alone. */
const each = (rows: readonly Row[]) => rows.map(([name, op, inputs]) => [name, op, [...inputs]] as const);

describe("compiled equals eager", () => {
  it.each(each(table))("%s", async (_, op, inputs) => {
    const fn = (tensors: tf.Tensor[]) => op(...(tensors as never[]));
    expectClose(await jit(fn)(inputs), await eager(fn)(inputs));
  });

  it.each(each(differentiable))("gradient of %s", async (_, op, inputs) => {
    const gradient = gradientOf(op, inputs);
    expectClose(await jit(gradient)(inputs), await eager(gradient)(inputs));
  });
});

it.each(each(differentiable))("the gradient of %s is that of finite differences", async (_, op, inputs) => {
  const { value, gradients } = await eager(gradientOf(op, inputs))(inputs);
  expect(Number.isFinite(value.data[0])).toBe(true);
  const loss = eager((tensors: tf.Tensor[]) => weighted(op(...(tensors as never[])) as tf.Tensor));
  const step = 1e-2;
  for (const [index, { data, shape }] of inputs.entries()) {
    if (!(data instanceof Float32Array)) continue;
    expect(gradients[index]!.shape).toEqual(shape);
    for (let i = 0; i < data.length; i++) {
      const at = async (shift: number) => {
        const moved = Float32Array.from(data);
        moved[i]! += shift;
        return (await loss(inputs.with(index, { ...inputs[index]!, data: moved }))).data[0]!;
      };
      const difference = ((await at(step)) - (await at(-step))) / (2 * step);
      const error = Math.abs(gradients[index]!.data[i]! - difference);
      expect(error, `input ${index}, element ${i}`).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)));
    }
  }
});

describe("the rules", () => {
  const kernels = tf.getKernelsForBackend("cpu").map(({ kernelName }) => kernelName);

  it("and the kernels without one are all kernels of TensorFlow.js' cpu backend, each once", () => {
    expect([...Object.keys(rules), ...uncoveredKernels.keys()].toSorted()).toEqual(kernels.toSorted());
  });

  it("stand in this table, each in a row at least", () => {
    const used = new Set<string>();
    for (const kernel of tf.getKernelsForBackend("onnx")) {
      const { kernelFunc } = kernel;
      kernel.kernelFunc = (parameters) => {
        used.add(kernel.kernelName);
        return kernelFunc(parameters);
      };
    }
    for (const [, op, inputs, gradient] of table) {
      trace((tensors: tf.Tensor[]) => op(...(tensors as never[])) as tf.Tensor[], inputs);
      if (gradient !== undefined) trace(gradientOf(op, inputs), inputs);
    }
    expect(Object.keys(rules).filter((name) => !used.has(name))).toEqual([]);
  });
});

function gradientOf(op: Op, inputs: readonly NDArray[]) {
  return (tensors: tf.Tensor[]) => {
    const trained = Object.fromEntries(tensors.flatMap((x, i) => (inputs[i]!.dtype === "float32" ? [[i, x]] : [])));
    return valueAndGradients(
      (parameters: Record<string, tf.Tensor>) =>
        weighted(op(...(tensors.map((x, i) => parameters[i] ?? x) as never[])) as tf.Tensor),
      trained,
    );
  };
}

// A sum under uneven weights, so that gradients differ between elements.
function weighted(x: tf.Tensor): tf.Scalar {
  const weights = Float32Array.from({ length: x.size }, (_, i) => 0.5 + ((i * 7) % 5) / 4);
  return tf.sum(tf.mul(x, tf.tensor(weights, x.shape)));
}
