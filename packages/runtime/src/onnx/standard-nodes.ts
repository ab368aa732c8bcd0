import onnxProto from "onnx-proto";
import type { NodeProto } from "./traces.ts";

const { onnx } = onnxProto;

/**
 * The same nodes in operators of ONNX alone, without onnxruntime's own: batches of products whose operands are transposed
 * get the transposition where their operand is made, and their factor a product of its own. Nodes and outputs that nobody needs are left out.
 *
 * @throws Error where an operand is not made by a transposition
 */
export function standardNodes(nodes: readonly NodeProto[], outputs: readonly string[]): NodeProto[] {
  const makers = new Map(nodes.flatMap((node) => node.output!.map((name) => [name, node] as const)));
  const plain = nodes.flatMap((node) => (node.opType === "FusedMatMul" ? plainProduct(node, makers) : [node]));
  const needed = new Set(outputs);
  const kept: NodeProto[] = [];
  for (const node of plain.toReversed()) {
    const last = node.output!.findLastIndex((name) => needed.has(name));
    if (last < 0) continue;
    for (const name of node.input!) needed.add(name);
    kept.push({ ...node, output: node.output!.slice(0, last + 1) });
  }
  return kept.toReversed();
}

function plainProduct(node: NodeProto, makers: ReadonlyMap<string, NodeProto>): NodeProto[] {
  const before: NodeProto[] = [];
  const input = node.input!.map((name, side) => {
    const transposed = node.attribute!.some((one) => one.name === ["transA", "transB"][side] && Number(one.i) === 1);
    if (!transposed) return name;
    const maker = makers.get(name);
    if (maker?.opType !== "Transpose") throw new Error("onnx: a batch of transposed matrices has no rule of its own");
    const perm = [...maker.attribute!.find((one) => one.name === "perm")!.ints!].map(Number);
    const swapped = [...perm.slice(0, -2), perm.at(-1)!, perm.at(-2)!];
    const attribute = [{ name: "perm", type: onnx.AttributeProto.AttributeType.INTS, ints: swapped }];
    before.push({ opType: "Transpose", input: maker.input!, output: [`${name}.transposed`], attribute });
    return `${name}.transposed`;
  });
  const scale = node.attribute!.find((one) => one.name === "alpha")?.f ?? 1;
  const [output] = node.output as [string];
  if (scale === 1) return [...before, { opType: "MatMul", input, output: [output] }];
  const value = { name: "value_float", type: onnx.AttributeProto.AttributeType.FLOAT, f: scale };
  return [
    ...before,
    { opType: "MatMul", input, output: [`${output}.unscaled`] },
    { opType: "Constant", input: [], output: [`${output}.scale`], attribute: [value] },
    { opType: "Mul", input: [`${output}.unscaled`, `${output}.scale`], output: [output] },
  ];
}
