import { sizeOf } from "../../ndarray.ts";
import { tf } from "../../tf.ts";
import type { TracingBackend, Value } from "../backend.ts";
import type { Attributes } from "../graph.ts";
import { elementwise } from "./elementwise.ts";
import { broadcast, float, refuseTruths, reshape, type Rules, transpose } from "./rule.ts";

/** Products of matrices, and what is fused with them. */
export const matrices: Rules = {
  BatchMatMul: (g, { a, b }, { transposeA, transposeB }) => matMul(g, a, b, transposeA, transposeB),
  _FusedMatMul: (g, inputs, attrs) => {
    const { a, b, bias, preluActivationWeights } = inputs;
    const { transposeA, transposeB, activation = "linear", leakyreluAlpha } = attrs;
    let x = matMul(g, a, b, transposeA, transposeB);
    if (bias !== undefined && bias.dtype !== x.dtype) {
      throw new TypeError(`jit: _FusedMatMul: expected a bias of ${x.dtype}, got ${bias.dtype}; cast it first`);
    }
    if (bias !== undefined) x = g.node("Add", [x, bias], broadcast(x, bias), x.dtype);
    if (activation === "linear") return x;
    const rule = elementwise[activations[activation] ?? ""];
    if (rule === undefined) throw new Error(`jit: _FusedMatMul: activation ${activation} has no rule`);
    return rule(g, { ...inputs, x, alpha: preluActivationWeights! }, { ...attrs, alpha: leakyreluAlpha });
  },
  Einsum: (g, inputs, { equation }) => {
    const operands = Object.values(inputs);
    refuseTruths("Einsum", ...operands);
    const [terms, result] = equation.replaceAll(/\s/g, "").split("->") as [string, string];
    const sizes = new Map(
      terms.split(",").flatMap((term, i) => [...term].map((axis, at) => [axis, operands[i]!.shape[at]!] as const)),
    );
    const shape = [...result].map((axis) => sizes.get(axis)!);
    return g.node("Einsum", operands, shape, operands[0]!.dtype, { equation: { text: `${terms}->${result}` } });
  },
  FusedBatchNorm: (g, { x, mean, variance, offset, scale }, { varianceEpsilon }) => {
    const node = (op: string, inputs: (Value | string)[], shape = x.shape) => g.node(op, inputs, shape, "float32");
    const deviation = node(
      "Sqrt",
      [node("Add", [variance, float(g, varianceEpsilon)], variance.shape)],
      variance.shape,
    );
    const centred = node("Sub", [x, mean]);
    const scaled = node("Div", [scale === undefined ? centred : node("Mul", [centred, scale]), deviation]);
    return offset === undefined ? scaled : node("Add", [scaled, offset]);
  },
};

/** The kernel of each activation that TensorFlow.js fuses with a product. */
const activations: Readonly<Record<string, string>> = {
  elu: "Elu",
  leakyrelu: "LeakyRelu",
  prelu: "Prelu",
  relu: "Relu",
  relu6: "Relu6",
  sigmoid: "Sigmoid",
};

/**
 * 2-D products become Gemm, whose transpositions are free; batches FusedMatMul. A batch of one is a 2-D product, and a
 * batch against one plain right-hand matrix is one tall product. Integers have MatMul alone.
 */
function matMul(g: TracingBackend, a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value {
  refuseTruths("BatchMatMul", a, b);
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  if (a.dtype !== "float32") {
    const operands = [transposeA ? turned(g, a) : a, transposeB ? turned(g, b) : b];
    return g.node("MatMul", operands, shape, a.dtype);
  }
  const transposes: Attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
  if (sizeOf(batch) === 1) {
    const flat = (x: Value) => reshape(g, x, x.shape.slice(-2));
    return reshape(g, g.node("Gemm", [flat(a), flat(b)], [rows, columns], "float32", transposes), shape);
  }
  if (sizeOf(b.shape.slice(0, -2)) === 1 && !transposeA) {
    const tall = reshape(g, a, [sizeOf(batch) * rows, a.shape.at(-1)!]);
    const right = reshape(g, b, b.shape.slice(-2));
    return reshape(g, g.node("Gemm", [tall, right], [tall.shape[0]!, columns], "float32", transposes), shape);
  }
  return g.node("com.microsoft:FusedMatMul", [a, b], shape, "float32", transposes);
}

/** A matrix, or each of a batch, transposed. */
function turned(g: TracingBackend, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(g, x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}
