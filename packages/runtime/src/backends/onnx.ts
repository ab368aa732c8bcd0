import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import ort from "onnxruntime-node";
import { compiler, type CompilerOptions } from "../onnx/compiler.ts";
import {
  type Backend,
  BackendError,
  type BackendName,
  type BackendOptions,
  checkPrecision,
  DeviceError,
  expectOneDevice,
} from "./backend.ts";
import { physicalCores, processorName } from "./cores.ts";
import { graphics } from "./graphics.ts";
import { check } from "./probe.ts";
import { folderOf, versionOf } from "./versions.ts";

type OnnxName = Extract<BackendName, `onnx-${string}`>;

/** Where onnxruntime calls each by another name, where it has it, and whether its kernels take half floats. */
const providers: Record<OnnxName, { provider: string; systems: string; half: boolean }> = {
  "onnx-cpu": { provider: "cpu", systems: "all systems", half: false },
  "onnx-webgpu": { provider: "webgpu", systems: "Linux x64, macOS and Windows", half: true },
  "onnx-cuda": { provider: "cuda", systems: "Linux x64", half: true },
  "onnx-directml": { provider: "dml", systems: "Windows", half: true },
  "onnx-coreml": { provider: "coreml", systems: "macOS", half: true },
};

/**
 * onnxruntime on one of its execution providers. What that one has no kernel for runs on the processor.
 *
 * @throws BackendError where it cannot be used, in one line
 */
export async function loadOnnx(name: OnnxName, options: BackendOptions): Promise<Backend> {
  const { provider, systems, half } = providers[name];
  const precisions = half ? ([32, 16] as const) : ([32] as const);
  checkPrecision(name, precisions, options.precision);
  if (!ort.listSupportedBackends().some((backend) => backend.name === provider)) {
    throw new BackendError(
      `onnxruntime-node has ${provider} for ${systems}, this is ${process.platform} ${process.arch}`,
    );
  }
  if (provider === "cuda") findCuda();
  const threads = options.threads ?? physicalCores();
  const settings: CompilerOptions = {
    ...{ threads, executionProvider: provider, shared: options.shared ?? false },
    precision: options.precision ?? 32,
  };
  const jit = compiler(settings);
  try {
    await check(jit, options.precision);
  } catch (error) {
    throw new BackendError(firstReason(error as Error), advice(name), { cause: error });
  }
  const devices = options.devices ?? 1;
  await expectDevices(settings, devices);
  const inHalves = options.devices === undefined && options.halves && provider === "cpu" && threads > 1;
  const atOnce = inHalves ? 2 : devices;
  const each = provider === "cpu" ? Math.floor(threads / atOnce) : threads;
  return {
    jitOnAll: atOnce === 1 ? jit : compiler({ ...settings, threads: each, lanes: atOnce }),
    ...{ name, jit, precisions, gpu: provider !== "cpu", version: `onnxruntime ${versionOf("onnxruntime-node")}` },
    device: `${deviceOf(name, threads)}${devices === 1 ? "" : `, ${devices} devices`}`,
    dispose: async () => {},
  };
}

/** @throws DeviceError in one line where there are fewer than `devices`, the first of which is known to work */
async function expectDevices(settings: CompilerOptions, devices: number): Promise<void> {
  const { executionProvider, threads = 1, precision } = settings;
  if (executionProvider === "cpu") {
    if (devices <= threads) return;
    throw new DeviceError(`expected at most ${threads} devices, each a thread or more, got ${devices}`);
  }
  if (executionProvider !== "cuda" && executionProvider !== "dml") return expectOneDevice(devices);
  for (let device = 1; device < devices; device++) {
    try {
      await check(compiler({ ...settings, device }), precision);
    } catch (error) {
      const reason = firstReason(error as Error);
      throw new DeviceError(`expected ${devices} devices, got ${device}: ${reason}`, undefined, { cause: error });
    }
  }
}

/** A GPU's backend that finds a rasteriser instead runs, but is no reason to choose it. */
export const hasGpu = (): boolean => graphics().length > 0;

function deviceOf(name: OnnxName, threads: number): string {
  if (name === "onnx-cpu") return processorName(threads);
  return graphics().join(", ") || "no GPU: a rasteriser on the processor";
}

// onnxruntime fails loudly, in several lines, where the library is missing.
function findCuda(): void {
  const folder = folderOf("onnxruntime-node");
  const library = join(folder, "bin/napi-v6", process.platform, process.arch, "libonnxruntime_providers_cuda.so");
  if (!existsSync(library)) throw new BackendError("onnxruntime-node came without its CUDA files", advice("onnx-cuda"));
}

function advice(name: OnnxName): string | undefined {
  if (name === "onnx-webgpu" && process.platform === "linux")
    return "a GPU with its Vulkan driver and loader (Debian: libvulkan1)";
  if (name === "onnx-cuda") {
    const script = relative(process.cwd(), join(folderOf("onnxruntime-node"), "script/install.js"));
    return `an NVIDIA GPU, CUDA 12 and cuDNN 9, and: node ${script} --onnxruntime-node-install=cuda12`;
  }
  return undefined;
}

// onnxruntime puts the place in its own sources first: what matters stands behind it.
function firstReason({ message }: Error): string {
  const [line] = message.split("\n") as [string];
  return /(?:was false\.|Exception:|(?=CUDA failure))\s*(.+)$/.exec(line)?.[1] ?? line;
}
