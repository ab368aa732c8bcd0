import { fitting, hostLeaves } from "../host.ts";
import type { Compiled, HostInput, HostOutput, Jit, JitOptions, TensorFunction } from "../jit.ts";
import type { NDArray } from "../ndarray.ts";
import type { RandomKey } from "../random-bytes.ts";
import { leaves, mapTree } from "../tree.ts";
import { halfProducts } from "./half.ts";
import type { Sizes } from "./open-axes.ts";
import { type OpenAxes, openTrace, type OpenTrace, sizesOf } from "./open.ts";
import { lanes as onLanes } from "./lanes.ts";
import { openSession, type OpenSession, type Session, type SessionOptions } from "./session.ts";
import { trace, type Trace } from "./trace.ts";

/** How onnxruntime runs what is compiled. */
export interface CompilerOptions {
  /** Threads within one operator; by default onnxruntime's own choice, the physical cores. */
  readonly threads?: number;
  /** What onnxruntime runs it on, under its name for it: `cpu`, the default, `webgpu`, `cuda`, `dml`, `coreml`. */
  readonly executionProvider?: string;
  /** Which of its devices, counted from 0; the first by default. */
  readonly device?: number;
  /** 16: operands of matrix products in half precision, where the provider has it. By default 32. */
  readonly precision?: 16 | 32;
  /** Threads without work sleep at once instead of spinning: for processes that share their cores. */
  readonly shared?: boolean;
  /**
   * Calls that are computed at once, each on a thread of its own, with arrays that are `shared` in place; of `cuda` and
   * `dml` each lane has a device of its own. Without lanes a call holds the thread that makes it, and calls follow one another
   * however they are awaited.
   */
  readonly lanes?: number;
}

/**
 * A `Jit` that traces each function once for every combination of input types and shapes, or for all sizes of the axes that
 * have names, into one ONNX graph, forward and backward together, and runs that with onnxruntime.
 */
export function compiler(options: CompilerOptions = {}): Jit {
  const onDevice = (own: SessionOptions, device: number): SessionOptions => ({ ...own, ...provider(options, device) });
  const open = options.lanes === undefined ? openSession : onLanes(options.lanes, onDevice);
  return <I, O>(fn: TensorFunction<I, O>, { axes = {}, sums = {} }: JitOptions = {}): Compiled<I, O> => {
    const named = { axes, sums };
    const programs = new Map<string, Promise<Program> | undefined>();
    const found = (signature: string, traced: () => OpenTrace | undefined): Promise<Program> | undefined => {
      if (programs.has(signature)) return programs.get(signature);
      const own = traced();
      const program = own && load(own, open, options);
      programs.set(signature, program);
      program?.catch(() => programs.delete(signature));
      return program;
    };
    const isOpen = Object.keys(axes).length > 0;
    const call = async (
      inputs: HostInput<I>,
      key: RandomKey = { seed: 0, counter: 0 },
      into?: HostOutput<O>,
    ): Promise<HostOutput<O>> => {
      const arrays = hostLeaves(inputs);
      const given = { arrays: new Map(arrays), sizes: sizesOf(arrays, named), key, into };
      const forAll = isOpen ? found(`open ${signatureOf(arrays, named)}`, () => opened(fn, inputs, named)) : undefined;
      if (forAll === undefined) {
        const program = await found(signatureOf(arrays), () => fixed(trace(fn, inputs)))!;
        return (await run(program, given)) as HostOutput<O>;
      }
      try {
        return (await run(await forAll, given)) as HostOutput<O>;
      } catch (error) {
        // A function that refuses these sizes says so in its own words.
        trace(fn, inputs);
        throw error;
      }
    };
    const dispose = async (): Promise<void> => {
      const loaded = await Promise.allSettled(programs.values());
      programs.clear();
      await Promise.all(loaded.map((one) => (one.status === "fulfilled" ? one.value?.session.release() : undefined)));
    };
    return Object.assign(call, { dispose });
  };
}

/** Compiles with the default options. */
export const jit: Jit = compiler();

interface Program extends Omit<OpenTrace, "graph"> {
  readonly session: Session;
  /** What the graph takes and gives; its bytes are not kept. */
  readonly used: ReadonlySet<string>;
  readonly names: readonly string[];
}

/** None where the function cannot be compiled for every size of the axes. */
function opened<I, O>(fn: TensorFunction<I, O>, inputs: unknown, axes: OpenAxes): OpenTrace | undefined {
  try {
    return openTrace(fn, inputs, axes);
  } catch {
    return undefined; // What is wrong at the inputs' own sizes is thrown when it is traced at these.
  }
}

const fixed = ({ noise, shapes, ...rest }: Trace): OpenTrace => ({
  ...rest,
  at: () => ({ noise, shapes, constants: {} }),
});

/** What a graph depends on: types and sizes, names in the place of open axes. */
const signatureOf = (arrays: readonly (readonly [string, NDArray])[], { axes }: Partial<OpenAxes> = {}): string =>
  arrays
    .map(([path, { dtype, shape }]) => {
      const sizes = shape.map((size, axis) => axes?.[path]?.[axis] ?? size);
      return `${path}:${dtype}[${sizes.join(",")}]`;
    })
    .join(" ");

async function load({ graph, ...rest }: OpenTrace, open: OpenSession, options: CompilerOptions): Promise<Program> {
  const model = options.precision === 16 ? halfProducts(graph.bytes) : graph.bytes;
  const session = await open(model, sessionOptions(options));
  return { ...rest, session, used: new Set(graph.inputs.map(({ name }) => name)), names: graph.outputs };
}

const sessionOptions = ({ threads = 0, shared = false, ...options }: CompilerOptions): SessionOptions => ({
  ...provider(options, options.device),
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

function provider({ executionProvider = "cpu" }: CompilerOptions, device?: number): SessionOptions {
  const several = executionProvider === "cuda" || executionProvider === "dml";
  const named = { name: executionProvider, deviceId: device };
  return { executionProviders: [several && device !== undefined ? named : executionProvider] };
}

interface ProgramCall {
  readonly arrays: ReadonlyMap<string, NDArray>;
  readonly sizes: Sizes;
  readonly key: RandomKey;
  readonly into: unknown;
}

async function run(program: Program, { arrays, sizes, key, into }: ProgramCall): Promise<unknown> {
  const { used, names, outputs } = program;
  const { constants, shapes, ...at } = program.at(sizes);
  const inputs = [...program.inputs].filter(([, name]) => used.has(name));
  const noise = at.noise.map((one, site) => ({ ...one, site })).filter(({ name }) => used.has(name));
  const given = new Map(into === undefined ? [] : hostLeaves(into));
  const places = leaves(outputs, isPosition).map(
    ([path, position]) =>
      [names[position]!, into === undefined ? null : fitting(path, given.get(path), shapes[position]!)] as const,
  );
  const results = await program.session.run({
    ...{ noise, key, outputs: Object.fromEntries(places) },
    inputs: { ...constants, ...Object.fromEntries(inputs.map(([path, name]) => [name, arrays.get(path)!])) },
  });
  return mapTree(outputs, isPosition, (position) => results[names[position]!]!);
}

const isPosition = (node: unknown): node is number => typeof node === "number";
