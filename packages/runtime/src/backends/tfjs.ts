import { existsSync } from "node:fs";
import module, { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";
import { eager, eagerOn } from "../eager.ts";
import { tf } from "../tf.ts";
import {
  type Backend,
  BackendError,
  type BackendName,
  type BackendOptions,
  checkPrecision,
  expectOneDevice,
} from "./backend.ts";
import { processorName } from "./cores.ts";
import { check } from "./probe.ts";
import { versionOf } from "./versions.ts";

type NativeName = Extract<BackendName, `tfjs-node${string}`>;

/** TensorFlow.js in JavaScript: slow, and always there. */
export async function loadTfjsCpu({ precision, devices }: BackendOptions): Promise<Backend> {
  checkPrecision("tfjs-cpu", [32], precision);
  expectOneDevice(devices);
  return {
    ...{ name: "tfjs-cpu", jit: eager, jitOnAll: eager, gpu: false, precisions: [32], device: processorName(1) },
    version: `@tensorflow/tfjs ${versionOf("@tensorflow/tfjs")}`,
    dispose: async () => {},
  };
}

/**
 * TensorFlow.js on libtensorflow: `@tensorflow/tfjs-node` or its CUDA twin, which the user installs.
 *
 * @throws BackendError where it cannot be loaded, in one line
 */
export async function loadTfjsNode(
  name: NativeName,
  { precision, devices, from = [] }: BackendOptions,
): Promise<Backend> {
  checkPrecision(name, [32], precision);
  const native = load(name, from);
  const jit = eagerOn("tensorflow");
  await check(jit);
  expectOneDevice(devices);
  const gpu = name === "tfjs-node-gpu" && native.isUsingGpuDevice;
  // Without CUDA the GPU's package computes on the processor and says nothing.
  const device = name === "tfjs-node-gpu" && !gpu ? "no CUDA device: the processor" : gpu ? "CUDA GPU" : processor();
  return {
    ...{
      name,
      jit,
      jitOnAll: jit,
      gpu,
      device,
      precisions: [32],
      version: `libtensorflow ${native.binding.TF_Version}`,
    },
    dispose: async () => {},
  };
}

interface Native {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

const processor = () => processorName(0).replace(/, 0 threads$/, "");

let loaded: NativeName | undefined;

function load(name: NativeName, from: readonly string[]): Native {
  if (loaded !== undefined && loaded !== name) {
    throw new BackendError(`this process has loaded ${loaded}, and there is one libtensorflow to a process`);
  }
  if (loaded === undefined) {
    const folder = find(name, from);
    if (folder === undefined) {
      const what = name === "tfjs-node-gpu" ? " (its library wants CUDA 11.2 and cuDNN 8.1)" : "";
      throw new BackendError(`@tensorflow/${name} is not installed`, `pnpm add @tensorflow/${name}@4.22.0${what}`);
    }
    requireAsOurs(folder);
    loaded = name;
  }
  return tf.engine().findBackend("tensorflow") as unknown as Native;
}

function find(name: NativeName, from: readonly string[]): string | undefined {
  const place = from.map((folder) => join(folder, "node_modules/@tensorflow", name)).find((path) => existsSync(path));
  if (place !== undefined) return place;
  try {
    return join(createRequire(import.meta.url).resolve(`@tensorflow/${name}/package.json`), "..");
  } catch {
    return undefined;
  }
}

/**
 * Requires the native package such that it registers its kernels with our TensorFlow.js: a second copy beside it would
 * register all the others again, and its tensors would be of another class.
 */
function requireAsOurs(folder: string): void {
  // It calls what Node has dropped with version 23.
  const old = util as unknown as Record<string, unknown>;
  old["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
  old["isArray"] = Array.isArray; // Node's own warns
  if (module.registerHooks === undefined) {
    throw new BackendError(`it needs Node 22.15 or later, this is ${process.version}`);
  }
  const require = createRequire(import.meta.url);
  const ours = { url: pathToFileURL(require.resolve("@tensorflow/tfjs")).href, format: "commonjs", shortCircuit: true };
  const hooks = module.registerHooks({
    resolve: (specifier, context, next) => (specifier === "@tensorflow/tfjs" ? ours : next(specifier, context)),
  });
  try {
    require(folder);
  } catch (error) {
    const [line] = (error as Error).message.split("\n") as [string];
    throw new BackendError(`its native library does not load: ${line}`, "tools/native/build-tfjs-native.sh builds it", {
      cause: error,
    });
  } finally {
    hooks.deregister();
    void tf.setBackend("cpu"); // the package makes itself the default
  }
}
