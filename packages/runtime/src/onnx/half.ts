import onnxProto from "onnx-proto";

const { onnx } = onnxProto;

const FLOAT = 1;
const HALF = 10;

/** Names of constants; `v0`, `v1`, … are those of the graph's own values. */
const TINY = "half.tiny";

/**
 * The model with the operands of its matrix products in half precision, and all else in 32 bits: sums, normalisations,
 * the optimiser. Each operand is divided by its largest magnitude first and the product multiplied by both, so that
 * small gradients do not become zero: what loss scaling is for elsewhere (Micikevicius et al. 2018,
 * https://arxiv.org/abs/1710.03740), without a factor to find.
 */
export function halfProducts(model: Uint8Array): Uint8Array {
  const proto = onnx.ModelProto.decode(model);
  const graph = proto.graph!;
  const halves = new Map<string, { half: string; scale: string }>();
  const nodes: Node[] = [];
  const halve = (name: string) => {
    let known = halves.get(name);
    if (known === undefined) {
      known = { half: `${name}.half`, scale: `${name}.scale` };
      halves.set(name, known);
      nodes.push(
        { opType: "Abs", input: [name], output: [`${name}.abs`] },
        { ...toScalar, input: [`${name}.abs`], output: [`${name}.max`] },
        { opType: "Max", input: [`${name}.max`, TINY], output: [known.scale] },
        { opType: "Div", input: [name, known.scale], output: [`${name}.unit`] },
        cast(`${name}.unit`, known.half, HALF),
      );
    }
    return known;
  };
  for (const node of graph.node!) {
    // A third operand is added to the product, and would have to be scaled the other way.
    if (!products.has(node.opType!) || node.input!.length !== 2) {
      nodes.push(node);
      continue;
    }
    const [a, b] = node.input!.map(halve) as [Half, Half];
    const out = node.output![0]!;
    nodes.push(
      { ...node, input: [a.half, b.half], output: [`${out}.half`] },
      cast(`${out}.half`, `${out}.unscaled`, FLOAT),
      { opType: "Mul", input: [a.scale, b.scale], output: [`${out}.scales`] },
      { opType: "Mul", input: [`${out}.unscaled`, `${out}.scales`], output: [out] },
    );
  }
  if (halves.size > 0) {
    graph.initializer!.push(onnx.TensorProto.fromObject({ name: TINY, dataType: FLOAT, floatData: [1e-30] }));
  }
  graph.node = nodes as typeof graph.node;
  return onnx.ModelProto.encode(proto).finish();
}

type Node = Parameters<typeof onnx.NodeProto.encode>[0];
type Half = { half: string; scale: string };

const products = new Set(["Gemm", "MatMul", "FusedMatMul"]);
const { INT } = onnx.AttributeProto.AttributeType;

const toScalar = { opType: "ReduceMax", attribute: [{ name: "keepdims", type: INT, i: 0 }] };

const cast = (input: string, output: string, to: number): Node => ({
  opType: "Cast",
  input: [input],
  output: [output],
  attribute: [{ name: "to", type: INT, i: to }],
});
