import onnxProto from "onnx-proto";
import { isHostLeaf } from "../host.ts";
import type { Axes, TensorFunction } from "../jit.ts";
import { ndarray, type NDArray, sizeOf } from "../ndarray.ts";
import { mapTree, type Tree } from "../tree.ts";
import { onnxTypes } from "./graph.ts";
import { isFixed, lengthName, lengthOf, type Sizes } from "./open-axes.ts";
import { trace, type Trace } from "./trace.ts";

const { onnx } = onnxProto;

/** What a graph with open axes takes and gives once their sizes are known. */
export interface AtSizes extends Pick<Trace, "noise" | "shapes"> {
  /** Constants that follow from the sizes, by the graph's inputs. */
  readonly constants: Readonly<Record<string, NDArray>>;
}

/** A traced function whose graph is for every size of some axes. */
export interface OpenTrace extends Pick<Trace, "inputs" | "outputs" | "graph"> {
  readonly at: (sizes: Sizes) => AtSizes;
}

/**
 * The sizes of the axes that have names.
 *
 * @throws RangeError for a name with two sizes
 */
export function sizesOf(inputs: Iterable<readonly [string, NDArray]>, axes: Axes): Sizes {
  const sizes: Record<string, number> = {};
  for (const [path, { shape }] of inputs) {
    axes[path]?.forEach((name, axis) => {
      if (name === null) return;
      const size = shape[axis]!;
      sizes[name] ??= size;
      if (sizes[name] !== size) throw new RangeError(`${path}: expected ${sizes[name]} ${name}, got ${size}`);
    });
  }
  return sizes;
}

/**
 * One graph of a function for inputs whose named axes have any size. The function is traced at three sizes of each; what
 * depends on them are constants alone, each of which follows from the sizes and becomes an input of the graph.
 *
 * @returns none where the function does something else at another size
 */
export function openTrace<I, O>(fn: TensorFunction<I, O>, inputs: unknown, axes: Axes): OpenTrace | undefined {
  const names = [...new Set(Object.values(axes).flatMap((own) => own.filter((name) => name !== null)))];
  const sizes = TRACED.map((own): Sizes => Object.fromEntries(names.map((name, n) => [name, own[n % own.length]!])));
  const traces = sizes.map((at) => tracedAt(fn, inputs, axes, at));
  const [first] = traces as [TracedAt];
  const counts = ({ nodes, noise, shapes }: TracedAt) => [nodes, noise, shapes].map(({ length }) => length).join();
  if (traces.some((one) => counts(one) !== counts(first))) return undefined;

  /** Of a number at each of the sizes: what it is at others. */
  const formula = (values: readonly number[]): Formula | undefined => {
    if (values.every((value) => value === values[0])) return () => values[0]!;
    const length = lengthOf(values, sizes);
    if (length !== undefined) {
      const { factor, powers } = length;
      return (at) => names.reduce((product, name) => product * at[name]! ** powers[name]!, factor);
    }
    return lineOf(values, sizes, names);
  };
  const formulas = (lists: readonly (readonly number[])[]): Formula[] | undefined => {
    const all = lists[0]!.map((_, i) => formula(lists.map((list) => list[i]!)));
    return lists.every(({ length }) => length === all.length) && all.every((one) => one !== undefined)
      ? (all as Formula[])
      : undefined;
  };

  const constants: OpenConstant[] = [];
  const opened = new Map<string, string>();
  const same = traces.map(({ inputs }) => new Map([...first.inputs].map(([path, name]) => [name, inputs.get(path)])));
  first.noise.forEach(({ name }, site) => traces.forEach(({ noise }, k) => same[k]!.set(name, noise[site]!.name)));
  const kind = ({ opType, attribute, input, output }: Node) =>
    JSON.stringify([opType, attribute, input!.length, output!.length]);
  const nodes: Node[] = [];
  for (const [index, node] of first.nodes.entries()) {
    const twins = traces.map(({ nodes }) => nodes[index]!);
    if (twins.some((twin) => kind(twin) !== kind(node))) return undefined;
    const input: string[] = [];
    for (const [i, name] of node.input!.entries()) {
      const own = twins.map((twin) => twin.input![i]!);
      const tensors = own.map((name, k) => traces[k]!.constants.get(name));
      if (tensors.some((tensor) => tensor === undefined)) {
        if (own.some((name, k) => same[k]!.get(node.input![i]!) !== name)) return undefined;
        input.push(name);
        continue;
      }
      const found = tensors as Constant[];
      if (found.every((tensor) => tensor.bytes === found[0]!.bytes && tensor.dims.join() === found[0]!.dims.join())) {
        input.push(name);
        continue;
      }
      const key = own.join();
      if (!opened.has(key)) {
        const shape = formulas(found.map(({ dims }) => dims));
        const values = valuesOf(found, formulas);
        if (shape === undefined || values === undefined) return undefined;
        const { type } = found[0]!;
        const constant = { name: `open.${opened.size}`, type, rank: shape.length, shape, values };
        constants.push(constant);
        opened.set(key, type === "int64" ? `${constant.name}.int64` : constant.name);
      }
      input.push(opened.get(key)!);
    }
    node.output!.forEach((name, i) => same.forEach((names, k) => names.set(name, twins[k]!.output![i])));
    nodes.push({ ...node, input });
  }
  const elsewhere = (name: string, n: number) =>
    same.some((names, k) => names.get(name) !== traces[k]!.graph.outputs[n]);
  if (first.graph.outputs.some(elsewhere)) return undefined;
  const noise = first.noise.map(({ name }, site) => {
    const dims = formulas(traces.map(({ noise }) => noise[site]!.shape));
    return dims && { name, dims };
  });
  const outputs = first.shapes.map((_, n) => formulas(traces.map(({ shapes }) => shapes[n]!)));
  if (noise.includes(undefined) || outputs.includes(undefined)) return undefined;

  /** As onnxruntime is told: it computes in place where it knows that two values have one shape. */
  const valueInfo = (name: string, elemType: number, shapes: readonly (readonly number[] | undefined)[]) => {
    const dim = shapes[0]!.map((_, axis) => {
      const length = lengthOf(
        shapes.map((shape) => shape?.[axis] ?? NaN),
        sizes,
      );
      if (length === undefined) return {};
      return isFixed(length) ? { dimValue: length.factor } : { dimParam: lengthName(length) };
    });
    return { name, type: { tensorType: { elemType, shape: { dim } } } };
  };
  const shapesOf = (name: string) => traces.map(({ values }, k) => values.get(same[k]!.get(name) ?? "")?.shape);
  const { graph } = first.proto;
  const outside = new Set([...first.graph.inputs.map(({ name }) => name), ...first.graph.outputs]);
  const inside = first.nodes
    .flatMap(({ output }) => output!)
    // Whole numbers may be wider inside a graph than outside.
    .filter((name) => first.values.get(name)?.dtype === "float32" && !outside.has(name));
  const bytes = onnx.ModelProto.encode({
    ...first.proto,
    graph: {
      ...graph,
      // The last node comes first: see `Graph.model`.
      node: [...nodes.toReversed(), ...constants.filter(({ type }) => type === "int64").map(toInt64)],
      input: [
        ...first.graph.inputs.map(({ name, type }) =>
          valueInfo(
            name,
            onnxTypes[type],
            traces.map(({ graph }, k) => graph.inputs.find((own) => own.name === same[k]!.get(name))?.shape),
          ),
        ),
        ...constants.map(({ name, type, rank }) => ({
          name,
          type: {
            tensorType: {
              elemType: onnxTypes[carried(type)],
              shape: { dim: Array.from({ length: rank }, () => ({})) },
            },
          },
        })),
      ],
      output: first.graph.outputs.map((name, n) =>
        valueInfo(
          name,
          first.outputTypes[n]!,
          traces.map(({ shapes }) => shapes[n]),
        ),
      ),
      valueInfo: inside.map((name) => valueInfo(name, onnxTypes[first.values.get(name)!.dtype], shapesOf(name))),
      initializer: graph!.initializer!.filter(({ name }) => nodes.some(({ input }) => input!.includes(name!))),
    },
  }).finish();

  return {
    ...{ inputs: first.inputs, outputs: first.outputs },
    graph: {
      ...first.graph,
      bytes,
      inputs: [
        ...first.graph.inputs,
        ...constants.map(({ name, type }) => ({ name, type: carried(type), shape: [] as number[] })),
      ],
    },
    at: (own) => {
      const dims = (all: readonly Formula[]) => all.map((one) => one(own));
      return {
        shapes: outputs.map((shape) => dims(shape!)),
        noise: noise.map((one) => ({ name: one!.name, shape: dims(one!.dims) })),
        constants: Object.fromEntries(
          constants.map(({ name, type, shape, values }) => {
            const size = dims(shape);
            const data = values(own, sizeOf(size));
            return [name, ndarray(carried(type) === "int32" ? Int32Array.from(data) : Float32Array.from(data), size)];
          }),
        ),
      };
    },
  };
}

/** Sizes at which a function is traced, axis by axis: above 1, where broadcasting ends, and such as few other axes have. */
const TRACED = [
  [11, 5],
  [14, 7],
  [19, 4],
] as const;

type Node = Parameters<typeof onnx.NodeProto.encode>[0];
type Formula = (at: Sizes) => number;
type ConstantType = "int64" | "int32" | "float32";

interface Constant {
  readonly type: ConstantType;
  readonly dims: readonly number[];
  readonly bytes: string;
  readonly values: readonly number[];
}

interface OpenConstant {
  readonly name: string;
  readonly type: ConstantType;
  readonly rank: number;
  readonly shape: readonly Formula[];
  readonly values: (at: Sizes, count: number) => readonly number[];
}

type TracedAt = ReturnType<typeof tracedAt>;

function tracedAt<I, O>(fn: TensorFunction<I, O>, inputs: unknown, axes: Axes, at: Sizes) {
  const resized = mapTree(inputs as Tree<NDArray | number>, isHostLeaf, (leaf, path) => {
    const own = axes[path];
    if (own === undefined || typeof leaf === "number") return leaf;
    return { ...leaf, shape: leaf.shape.map((size, axis) => at[own[axis] ?? ""] ?? size) };
  });
  const found = trace(fn, resized);
  const proto = onnx.ModelProto.decode(found.graph.bytes);
  const graph = proto.graph!;
  return {
    ...found,
    proto,
    nodes: (graph.node as Node[]).toReversed(),
    constants: new Map(graph.initializer!.map((tensor) => [tensor.name!, constantOf(tensor as TensorProto)])),
    outputTypes: graph.output!.map(({ type }) => type!.tensorType!.elemType!),
  };
}

type TensorProto = Parameters<typeof onnx.TensorProto.encode>[0];

function constantOf({ dataType, dims, rawData }: TensorProto): Constant {
  const { buffer } = Uint8Array.from(rawData!);
  const type = dataType === onnxTypes.int64 ? "int64" : dataType === onnxTypes.int32 ? "int32" : "float32";
  const bytes = `${dataType} ${Buffer.from(buffer).toString("latin1")}`;
  const known = dataType === onnxTypes[type];
  const values = known ? Array.from<bigint | number, number>(new arrays[type](buffer), Number) : [];
  return { type, bytes, values, dims: dims!.map(Number) };
}

const arrays = { int64: BigInt64Array, int32: Int32Array, float32: Float32Array };

/** Element by element, or, where their number differs, from the first and the step to the next. */
function valuesOf(
  found: readonly Constant[],
  formulas: (lists: readonly (readonly number[])[]) => Formula[] | undefined,
): OpenConstant["values"] | undefined {
  const each = formulas(found.map(({ values }) => values));
  if (each !== undefined) return (at) => each.map((one) => one(at));
  const lines = found.map(({ values }) => [values[0]!, values[1]! - values[0]!]);
  const straight = found.every(({ values }, k) => {
    const [first, step] = lines[k] as [number, number];
    return values.length > 1 && values.every((value, i) => value === first + i * step);
  });
  const line = straight ? formulas(lines) : undefined;
  if (line === undefined) return undefined;
  const [first, step] = line as [Formula, Formula];
  return (at, count) => Array.from({ length: count }, (_, i) => first(at) + i * step(at));
}

/** a + b·size of one axis, such as what is left of a table. */
function lineOf(values: readonly number[], sizes: readonly Sizes[], names: readonly string[]): Formula | undefined {
  const fitting = names.flatMap((name): Formula[] => {
    const [one, two] = [sizes[0]![name]!, sizes[1]![name]!];
    const slope = (values[1]! - values[0]!) / (two - one);
    const line: Formula = (at) => values[0]! + slope * (at[name]! - one);
    return Number.isInteger(slope) && values.every((value, k) => value === line(sizes[k]!)) ? [line] : [];
  });
  return fitting.length === 1 ? fitting[0] : undefined;
}

const carried = (type: ConstantType): "int32" | "float32" => (type === "int64" ? "int32" : type);

const toInt64 = ({ name }: OpenConstant): Node => ({
  ...{ opType: "Cast", input: [name], output: [`${name}.int64`] },
  attribute: [{ name: "to", type: onnx.AttributeProto.AttributeType.INT, i: onnxTypes.int64 }],
});
