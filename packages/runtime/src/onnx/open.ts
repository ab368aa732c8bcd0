import onnxProto from "onnx-proto";
import { hostLeaves, isHostLeaf } from "../host.ts";
import type { Axes, JitOptions, Sums, TensorFunction } from "../jit.ts";
import { ndarray, type NDArray, sizeOf } from "../ndarray.ts";
import { mapTree, type Tree } from "../tree.ts";
import { onnxTypes } from "./graph.ts";
import { given, independent, isFixed, lengthName, lengthsUnder, type Sizes, withSums } from "./open-axes.ts";
import type { Trace } from "./trace.ts";
import { commonNodes, inputNames, type NodeProto, type TensorProto, traceAt, type TraceAt } from "./traces.ts";

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

/** Axes that have names, and the sums of them. */
export type OpenAxes = Required<Pick<JitOptions, "axes" | "sums">>;

/**
 * The sizes of the axes that have names, and of the sums that follow from them.
 *
 * @throws RangeError for a name with two sizes
 */
export function sizesOf(inputs: Iterable<readonly [string, NDArray]>, { axes, sums }: OpenAxes): Sizes {
  const found = [...inputs].flatMap(([path, { shape }]) =>
    (axes[path] ?? []).flatMap((name, axis) => (name === null ? [] : [{ path, name, size: shape[axis]! }])),
  );
  const first: Record<string, number> = {};
  for (const { name, size } of found) first[name] ??= size;
  const sizes = withSums(first, sums);
  for (const { path, name, size } of found) {
    if (sizes[name] !== size) throw new RangeError(`${path}: expected ${sizes[name]} ${name}, got ${size}`);
  }
  return sizes;
}

/**
 * One graph of a function for inputs whose named axes have any size. The function is traced at three or four sizes of each; what
 * depends on them are constants alone, each of which follows from the sizes and becomes an input of the graph.
 *
 * @throws Error where the function does something else at another size, or a constant or a shape follows from none of them
 */
export function openTrace<I, O>(fn: TensorFunction<I, O>, inputs: unknown, open: OpenAxes): OpenTrace {
  const { axes } = open;
  const now = sizesOf(hostLeaves(inputs), open);
  const sizes = tracedSizes(given(now, open.sums), open.sums);
  const names = independent(now, open.sums);
  const traces = sizes.map((at) => traceAt(fn, resized(inputs, axes, at)));
  const [first] = traces as [TraceAt];
  const counts = ({ nodes, noise, shapes }: TraceAt) => [nodes, noise, shapes].map(({ length }) => length).join();
  if (traces.some((one) => counts(one) !== counts(first))) {
    throw new Error("onnx: the function does something else at another size");
  }
  const { found, formulas, valueInfo } = following(sizes, names);
  const known = inputNames(traces);
  first.noise.forEach(({ name }, site) => traces.forEach(({ noise }, k) => known[k]!.set(name, noise[site]!.name)));
  const constants = openConstants(found);
  const nodes = commonNodes(traces, known, constants.standIn);
  const { inputs: before, outputs: last } = first.graph;
  last.forEach((name, n) => {
    if (known.every((own, k) => own.get(name) === traces[k]!.graph.outputs[n])) return;
    throw new Error(`onnx: output ${n} is another value at another size`);
  });
  const noise = first.noise.map(({ name }, site) => {
    return { name, dims: formulas(traces.map(({ noise }) => noise[site]!.shape)) };
  });
  const outputs = first.shapes.map((_, n) => formulas(traces.map(({ shapes }) => shapes[n]!)));

  const inputShapes = (name: string) =>
    traces.map(({ graph }, k) => graph.inputs.find((input) => input.name === known[k]!.get(name))?.shape);
  const shapesOf = (name: string) => traces.map(({ values }, k) => values.get(known[k]!.get(name) ?? "")?.shape);
  const outside = new Set([...before.map(({ name }) => name), ...last]);
  const inside = first.nodes
    .flatMap(({ output }) => output!)
    // Whole numbers may be wider inside a graph than outside.
    .filter((name) => first.values.get(name)?.dtype === "float32" && !outside.has(name));
  const used = new Set(nodes.flatMap(({ input }) => input!));
  const { graph } = first.proto;
  const bytes = onnx.ModelProto.encode({
    ...first.proto,
    graph: {
      ...graph,
      // The last node comes first: see `Graph.model`.
      node: [...nodes.toReversed(), ...constants.all.filter(({ type }) => type === "int64").map(toInt64)],
      input: [
        ...before.map(({ name, type }) => valueInfo(name, onnxTypes[type], inputShapes(name))),
        ...constants.all.map(({ name, type, shape }) => {
          const dim = shape.map(() => ({}));
          return { name, type: { tensorType: { elemType: onnxTypes[carried(type)], shape: { dim } } } };
        }),
      ],
      output: last.map((name, n) => {
        const shapes = traces.map((own) => own.shapes[n]);
        return valueInfo(name, first.outputTypes[n]!, shapes);
      }),
      valueInfo: inside.map((name) => valueInfo(name, onnxTypes.float32, shapesOf(name))),
      initializer: graph!.initializer!.filter(({ name }) => used.has(name!)),
    },
  }).finish();

  return {
    ...{ inputs: first.inputs, outputs: first.outputs },
    graph: {
      ...{ ...first.graph, bytes },
      inputs: [...before, ...constants.all.map(({ name, type }) => ({ name, type: carried(type), shape: [] }))],
    },
    at: (own) => {
      const dims = (all: readonly Formula[]) => all.map((one) => one(own));
      return {
        shapes: outputs.map(dims),
        noise: noise.map((one) => ({ name: one.name, shape: dims(one.dims) })),
        constants: Object.fromEntries(
          constants.all.map(({ name, type, shape, values }) => {
            const size = dims(shape);
            const data = values(own, sizeOf(size));
            return [name, ndarray(carried(type) === "int32" ? Int32Array.from(data) : Float32Array.from(data), size)];
          }),
        ),
      };
    },
  };
}

/** Inputs whose named axes have these sizes; values are not looked at. */
const resized = (inputs: unknown, axes: Axes, at: Sizes) =>
  mapTree(inputs as Tree<NDArray | number>, isHostLeaf, (leaf, path) => {
    const own = axes[path];
    if (own === undefined || typeof leaf === "number") return leaf;
    return { ...leaf, shape: leaf.shape.map((size, axis) => at[own[axis] ?? ""] ?? size) };
  });

/** How numbers follow from the sizes at which they were found. */
function following(sizes: readonly Sizes[], names: readonly string[]) {
  const lengthOf = lengthsUnder(sizes, names);
  const formula = (values: readonly number[]): Formula | undefined => {
    if (values.every((value) => value === values[0])) return () => values[0]!;
    const length = lengthOf(values);
    if (length !== undefined) {
      const { factor, powers } = length;
      return (at) => names.reduce((product, name) => product * at[name]! ** powers[name]!, factor);
    }
    return lineOf(values, sizes, names);
  };
  /** Of lists with a number for each size: what the numbers are at others. */
  const found: Formulas = (lists) => {
    const [first] = lists as [readonly number[]];
    if (lists.some(({ length }) => length !== first.length)) return undefined;
    const all = first.map((_, i) => formula(lists.map((list) => list[i]!)));
    return all.every((one) => one !== undefined) ? all : undefined;
  };
  return {
    found,
    formulas: (lists: readonly (readonly number[])[]): Formula[] => found(lists) ?? unfit(lists),
    /** A value as onnxruntime is told of it: it computes in place where it knows that two have one shape. */
    valueInfo(name: string, elemType: number, shapes: readonly (readonly number[] | undefined)[]) {
      const dim = shapes[0]!.map((_, axis) => {
        const length = lengthOf(shapes.map((shape) => shape?.[axis] ?? NaN));
        if (length === undefined) return {};
        return isFixed(length) ? { dimValue: length.factor } : { dimParam: lengthName(length) };
      });
      return { name, type: { tensorType: { elemType, shape: { dim } } } };
    },
  };
}

type Formulas = (lists: readonly (readonly number[])[]) => Formula[] | undefined;

/** Constants that differ between traces, which become inputs of the graph. */
function openConstants(formulas: Formulas) {
  const all: OpenConstant[] = [];
  const opened = new Map<string, string>();
  return {
    all,
    /** What a node takes in the place of these, of which each stands in a trace. */
    standIn(_node: NodeProto, _position: number, tensors: readonly TensorProto[]): string {
      const key = tensors.map(({ name }) => name).join();
      const before = opened.get(key);
      if (before !== undefined) return before;
      const found = tensors.map(constantOf);
      const [first] = found as [Constant];
      let name = tensors[0]!.name!;
      if (found.some(({ bytes, dims }) => bytes !== first.bytes || dims.join() !== first.dims.join())) {
        const { type } = first;
        const constant = {
          ...{ name: `open.${all.length}`, type, values: valuesOf(found, formulas) },
          shape: formulas(found.map(({ dims }) => dims)) ?? unfit(found.map(({ dims }) => dims)),
        };
        all.push(constant);
        name = type === "int64" ? asInt64(constant.name) : constant.name;
      }
      opened.set(key, name);
      return name;
    },
  };
}

/**
 * Sizes at which a function is traced, an axis a column: above 1, where broadcasting ends, and such that what follows from one of
 * them follows from no other: no two products of three axes or less have one ratio in all rows, and no axis is on a line with
 * another, or with the sum or difference of two products.
 */
const TRACED = [
  [11, 5, 12, 8, 9, 3, 7, 10],
  [14, 7, 5, 9, 8, 4, 12, 11],
  [19, 4, 7, 10, 15, 8, 14, 3],
  [6, 13, 17, 4, 5, 11, 9, 16],
] as const;

function tracedSizes(names: readonly string[], sums: Sums): Sizes[] {
  if (names.length > TRACED[0].length) throw new RangeError(`onnx: expected at most ${TRACED[0].length} open axes`);
  // Two axes and what follows from them are told apart by three.
  const rows = names.length > 2 ? TRACED : TRACED.slice(0, 3);
  return rows.map((row) => withSums(Object.fromEntries(names.map((name, n) => [name, row[n]!])), sums));
}

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
  readonly shape: readonly Formula[];
  readonly values: (at: Sizes, count: number) => readonly number[];
}

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
function valuesOf(found: readonly Constant[], formulas: Formulas): OpenConstant["values"] {
  const lists = found.map(({ values }) => values);
  const each = formulas(lists);
  if (each !== undefined) return (at) => each.map((one) => one(at));
  const lines = lists.map((values) => [values[0]!, values[1]! - values[0]!]);
  const straight = lists.every((values, k) => {
    const [first, step] = lines[k] as [number, number];
    return values.length > 1 && values.every((value, i) => value === first + i * step);
  });
  const [first, step] = ((straight ? formulas(lines) : undefined) ?? unfit(lists)) as [Formula, Formula];
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

function unfit(lists: readonly (readonly number[])[]): never {
  const got = lists.map((list) => `[${list.join(",")}]`).join(" and ");
  throw new Error(`onnx: expected numbers that follow from the sizes of open axes, got ${got}`);
}

const carried = (type: ConstantType): "int32" | "float32" => (type === "int64" ? "int32" : type);

const asInt64 = (name: string): string => `${name}.int64`;

const toInt64 = ({ name }: OpenConstant): NodeProto => ({
  ...{ opType: "Cast", input: [name], output: [asInt64(name)] },
  attribute: [{ name: "to", type: onnx.AttributeProto.AttributeType.INT, i: onnxTypes.int64 }],
});
