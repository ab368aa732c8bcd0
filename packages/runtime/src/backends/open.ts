import {
  type Backend,
  BackendError,
  type BackendName,
  backendNames,
  type BackendOptions,
  DeviceError,
} from "./backend.ts";
import { hasGpu, loadOnnx } from "./onnx.ts";
import { loadTfjsCpu, loadTfjsNode } from "./tfjs.ts";

/**
 * What `auto` tries, in this order. CoreML computes in half precision without being asked, and DirectML is a second way
 * to a GPU that WebGPU reaches as well: both by name only.
 */
const automatic: readonly BackendName[] = [
  ...(["onnx-cuda", "onnx-webgpu", "onnx-cpu"] as const),
  ...(["tfjs-node-gpu", "tfjs-node", "tfjs-cpu"] as const),
];

/** How a backend is chosen and computes. */
export interface OpenOptions extends BackendOptions {
  /** Called by `auto` for each backend that it passes over, with the reason in one line. */
  readonly onFallback?: (name: BackendName, reason: string) => void;
  /** `auto` takes a GPU, or nothing; `false` by default. */
  readonly gpu?: boolean;
}

/**
 * Loads one backend and checks it.
 *
 * @throws BackendError in one line: why it cannot be used here
 */
export function loadBackend(name: BackendName, options: BackendOptions = {}): Promise<Backend> {
  if (name === "tfjs-cpu") return loadTfjsCpu(options);
  if (name === "tfjs-node" || name === "tfjs-node-gpu") return loadTfjsNode(name, options);
  return loadOnnx(name, options);
}

/**
 * Opens the backend of this name; `auto`: the first that works, of GPUs only such as are really there.
 *
 * @throws BackendError in one line: what was tried, why it cannot be used, and what to install
 */
export async function openBackend(name: BackendName | "auto" = "auto", options: OpenOptions = {}): Promise<Backend> {
  const reasons: string[] = [];
  for (const candidate of name === "auto" ? automatic : [known(name)]) {
    try {
      const backend = await loadSensibly(candidate, name === "auto", options);
      return backend;
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      // What has too few devices is not passed over for what is slower.
      if (name !== "auto" || error instanceof DeviceError) {
        throw new BackendError(`${candidate}: ${withAdvice(error)}`, error.advice, { cause: error });
      }
      options.onFallback?.(candidate, error.message);
      reasons.push(`${candidate}: ${error.message}`);
    }
  }
  throw new BackendError(`no backend fits what was asked for: ${reasons.join("; ")}`);
}

async function loadSensibly(name: BackendName, auto: boolean, options: OpenOptions): Promise<Backend> {
  const forGpu = name !== "onnx-cpu" && name.startsWith("onnx-");
  if (auto && forGpu && !hasGpu()) throw new BackendError("this machine has no GPU");
  const backend = await loadBackend(name, options);
  if (auto && (options.gpu || name === "tfjs-node-gpu") && !backend.gpu) {
    await backend.dispose();
    throw new BackendError(`it computes on ${backend.device}`);
  }
  return backend;
}

const withAdvice = ({ message, advice }: BackendError): string =>
  advice === undefined ? message : `${message}; it takes ${advice}`;

function known(name: BackendName): BackendName {
  if (!backendNames.includes(name)) {
    throw new BackendError(`expected auto or one of ${backendNames.join(", ")}, got ${JSON.stringify(name)}`);
  }
  return name;
}
