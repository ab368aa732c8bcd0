import { type TracingBackend, tracing, type Value } from "../onnx/backend.ts";
import type { Attributes } from "../onnx/graph.ts";
import { tf } from "../tf.ts";

/** A node of ONNX, its inputs, and the shapes of its outputs, which are float32. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly tf.Tensor[];
  readonly shapes: readonly (readonly number[])[];
  readonly attributes?: Attributes;
}

/**
 * The outputs of one node of onnxruntime where a function is compiled, and of `composed` where it runs op by op. Neither
 * is recorded for gradients: for use inside `withGradient`.
 */
export function oneNode(
  { op, inputs, shapes, attributes }: Node,
  composed: () => readonly tf.Tensor[],
): readonly tf.Tensor[] {
  const backend: TracingBackend | undefined = tracing();
  if (backend === undefined) return composed();
  const names = backend.graph.node(
    op,
    inputs.map((input) => backend.nameOf(input as Value)),
    attributes,
    shapes.length,
  );
  return names.map((name, output) =>
    tf.engine().makeTensorFromTensorInfo(backend.value(name, shapes[output]!, "float32")),
  );
}
