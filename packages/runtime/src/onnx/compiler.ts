import ort from "onnxruntime-node";
import { fitting, hostLeaves } from "../host.ts";
import type { Compiled, HostInput, HostOutput, Jit, TensorFunction } from "../jit.ts";
import { ndarray, type NDArray, sizeOf } from "../ndarray.ts";
import { randomBytes, type RandomKey } from "../random.ts";
import { leaves, mapTree } from "../tree.ts";
import { halfProducts } from "./half.ts";
import { trace, type Trace } from "./trace.ts";

/** How onnxruntime runs what is compiled. */
export interface CompilerOptions {
  /** Threads within one operator; by default onnxruntime's own choice, the physical cores. */
  readonly threads?: number;
  /** What onnxruntime runs it on, under its name for it: `cpu`, the default, `webgpu`, `cuda`, `dml`, `coreml`. */
  readonly executionProvider?: string;
  /** 16: operands of matrix products in half precision, where the provider has it. By default 32. */
  readonly precision?: 16 | 32;
  /** Threads without work sleep at once instead of spinning: for processes that share their cores. */
  readonly shared?: boolean;
}

/**
 * A `Jit` that traces each function once for every combination of input types and shapes into one ONNX graph, forward
 * and backward together, and runs that with onnxruntime.
 */
export function compiler(options: CompilerOptions = {}): Jit {
  return <I, O>(fn: TensorFunction<I, O>): Compiled<I, O> => {
    const programs = new Map<string, Promise<Program>>();
    const call = async (
      inputs: HostInput<I>,
      key: RandomKey = { seed: 0, counter: 0 },
      into?: HostOutput<O>,
    ): Promise<HostOutput<O>> => {
      const arrays = hostLeaves(inputs);
      const signature = arrays.map(([path, { dtype, shape }]) => `${path}:${dtype}[${shape.join(",")}]`).join(" ");
      let program = programs.get(signature);
      if (program === undefined) {
        program = load(trace(fn, inputs), options);
        programs.set(signature, program);
        program.catch(() => programs.delete(signature));
      }
      return (await run(await program, new Map(arrays), key, into)) as HostOutput<O>;
    };
    const dispose = async (): Promise<void> => {
      const loaded = await Promise.allSettled(programs.values());
      programs.clear();
      await Promise.all(loaded.map((one) => (one.status === "fulfilled" ? one.value.session.release() : undefined)));
    };
    return Object.assign(call, { dispose });
  };
}

/** Compiles with the default options. */
export const jit: Jit = compiler();

interface Program extends Omit<Trace, "graph"> {
  readonly session: ort.InferenceSession;
  /** What the graph takes and gives; its bytes are not kept. */
  readonly used: ReadonlySet<string>;
  readonly names: readonly string[];
}

async function load({ graph, ...rest }: Trace, options: CompilerOptions): Promise<Program> {
  const { threads = 0, executionProvider = "cpu", precision = 32, shared = false } = options;
  const session = await ort.InferenceSession.create(precision === 16 ? halfProducts(graph.bytes) : graph.bytes, {
    executionProviders: [executionProvider],
    // Errors alone: it warns of graphs of which the processor computes a part, and of zeros that it does not keep.
    logSeverityLevel: 3,
    extra: {
      // Else each session would hold the zeros that an embedding's gradient is added to.
      optimization: { constant_folding_max_output_size_in_bytes: "1048576" },
      ...(shared && { session: { intra_op: { allow_spinning: "0" } } }),
    },
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    // Planned memory is held for the largest graph; without the plan a BERT-base step peaks at half, at the same speed.
    enableMemPattern: false,
    // Each session's arena would keep its peak for good, and there is a session for every shape.
    enableCpuMemArena: false,
  });
  return { ...rest, session, used: new Set(graph.inputs.map(({ name }) => name)), names: graph.outputs };
}

async function run(
  program: Program,
  arrays: ReadonlyMap<string, NDArray>,
  key: RandomKey,
  into: unknown,
): Promise<unknown> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const [path, name] of program.inputs) if (program.used.has(name)) feeds[name] = toOrt(arrays.get(path)!);
  for (const [site, { name, shape }] of program.noise.entries()) {
    if (program.used.has(name)) feeds[name] = new ort.Tensor("uint8", randomBytes(key, site, sizeOf(shape)), shape);
  }
  const given = new Map(into === undefined ? [] : hostLeaves(into));
  const fetches: Record<string, ort.Tensor | null> = {};
  for (const [path, position] of leaves(program.outputs, isPosition)) {
    fetches[program.names[position]!] =
      into === undefined ? null : toOrt(fitting(path, given.get(path), program.shapes[position]!));
  }
  const results = await program.session.run(feeds, fetches);
  return mapTree(program.outputs, isPosition, (position, path) => {
    const { data, dims } = results[program.names[position]!]!;
    return given.get(path) ?? ndarray(data as NDArray["data"], dims);
  });
}

const isPosition = (node: unknown): node is number => typeof node === "number";

const toOrt = ({ dtype, data, shape }: NDArray): ort.Tensor => new ort.Tensor(dtype, data as never, shape);
