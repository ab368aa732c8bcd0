import onnxProto from "onnx-proto";

const { onnx } = onnxProto;

/** Element types of the graphs that we build, with ONNX' numbers for them. */
export const onnxTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 } as const;
export type OnnxType = keyof typeof onnxTypes;

/** Attributes of a node: integers, lists of integers, or texts and other numbers marked as such. */
export type Attributes = Record<
  string,
  number | readonly number[] | { readonly text: string } | { readonly float: number }
>;

export interface GraphInput {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

interface Node {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** An ONNX graph that grows node by node; values are known by their names. */
export class Graph {
  readonly inputs: GraphInput[] = [];
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<
    string,
    { name: string; type: OnnxType; shape: readonly number[]; bytes: Uint8Array }
  >();
  #names = 0;

  input(type: OnnxType, shape: readonly number[]): string {
    const name = this.#name();
    this.inputs.push({ name, type, shape });
    return name;
  }

  /** Adds a node and returns its outputs' names. `op` may carry a domain: `com.microsoft:FusedMatMul`. */
  node(op: string, inputs: readonly string[], attributes: Attributes = {}, count = 1): string[] {
    const [domain, type] = op.includes(":") ? (op.split(":") as [string, string]) : ["", op];
    const outputs = Array.from({ length: count }, () => this.#name());
    this.#nodes.push({ op: type, domain, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant of the graph; equal ones are stored once. */
  constant(type: OnnxType, values: ArrayLike<number>, shape: readonly number[] = [values.length]): string {
    const bytes = encode(type, values);
    const key = `${type} ${shape.join(",")} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known.name;
    const name = this.#name();
    this.#constants.set(key, { name, type, shape, bytes });
    return name;
  }

  /**
   * The graph as an ONNX model with these outputs; nodes, constants and inputs that none of them needs are left out.
   *
   * The last node comes first. onnxruntime walks from the sinks to the sources, at each node into the input that stands
   * last in the model, and computes a node when it leaves it. So it computes in the order of the trace: a weight's
   * gradient as soon as its layer's is there, and what gradients recompute not before they need it. In the order of the
   * trace itself it would do both the other way round, and keep nearly everything alive.
   */
  model(outputs: readonly { value: string; type: OnnxType; shape: readonly number[] }[]): CompiledGraph {
    const produced = new Set(this.#nodes.flatMap((node) => node.outputs));
    const identities: Node[] = [];
    // An output is the value itself, but for inputs, constants and values that are outputs already: those are copied.
    const names = outputs.map(({ value }) => {
      if (produced.delete(value)) return value;
      const name = this.#name();
      identities.push({ op: "Identity", domain: "", inputs: [value], outputs: [name], attributes: {} });
      return name;
    });
    const needed = new Set(outputs.map(({ value }) => value));
    const nodes: Node[] = []; // from the last to the first
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      nodes.push(node);
      for (const name of node.inputs) needed.add(name);
    }
    const inputs = this.inputs.filter(({ name }) => needed.has(name));
    const proto = {
      irVersion: 9,
      opsetImport: [
        { domain: "", version: 20 },
        { domain: "com.microsoft", version: 1 },
      ],
      graph: {
        name: "traced",
        node: [...identities, ...nodes].map(nodeProto),
        input: inputs.map((input) => valueProto(input.name, input.type, input.shape)),
        output: outputs.map(({ type, shape }, index) => valueProto(names[index]!, type, shape)),
        initializer: [...this.#constants.values()]
          .filter(({ name }) => needed.has(name))
          .map(({ name, type, shape, bytes }) => ({
            name,
            dims: [...shape],
            dataType: onnxTypes[type],
            rawData: bytes,
          })),
      },
    };
    return { bytes: onnx.ModelProto.encode(proto).finish(), inputs, outputs: names, nodes: nodes.length };
  }

  #name(): string {
    return `v${this.#names++}`;
  }
}

export interface CompiledGraph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
  readonly nodes: number;
}

function encode(type: OnnxType, values: ArrayLike<number>): Uint8Array {
  if (type === "int64") return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  const data =
    type === "float32"
      ? Float32Array.from(values)
      : type === "int32"
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return new Uint8Array(data.buffer);
}

function nodeProto({ op, domain, inputs, outputs, attributes }: Node) {
  return {
    opType: op,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => {
      if (typeof value === "number") return { name, type: onnx.AttributeProto.AttributeType.INT, i: value };
      if ("text" in value) return { name, type: onnx.AttributeProto.AttributeType.STRING, s: Buffer.from(value.text) };
      if ("float" in value) return { name, type: onnx.AttributeProto.AttributeType.FLOAT, f: value.float };
      return { name, type: onnx.AttributeProto.AttributeType.INTS, ints: [...value] };
    }),
  };
}

const valueProto = (name: string, type: OnnxType, shape: readonly number[]) => ({
  name,
  type: { tensorType: { elemType: onnxTypes[type], shape: { dim: shape.map((size) => ({ dimValue: size })) } } },
});
