export { tf } from "./tf.ts";
export { type DType, ndarray, type NDArray, scalar, shared, sizeOf, zeros } from "./ndarray.ts";
export { leaves, mapTree, type Tree } from "./tree.ts";
export type { Axes, Compiled, HostInput, HostOutput, Jit, JitOptions, Sums, TensorFunction } from "./jit.ts";
export { eager } from "./eager.ts";
export {
  type Backend,
  BackendError,
  type BackendName,
  backendNames,
  type BackendOptions,
  type Precision,
} from "./backends/backend.ts";
export { loadBackend, openBackend, type OpenOptions } from "./backends/open.ts";
export { physicalCores } from "./backends/cores.ts";
export { graphics } from "./backends/graphics.ts";
export { versionOf } from "./backends/versions.ts";
export { type ModelFunction, onnxModel, type ModelOptions } from "./onnx/model.ts";
export { compiler, type CompilerOptions, jit } from "./onnx/compiler.ts";
export { restartWithWarmMemory, type Restartable, warmMemory } from "./allocator.ts";
export { attention, type AttentionOptions, attentionProbabilities } from "./fused/attention.ts";
export { product, type ProductOptions } from "./fused/product.ts";
export { gelu, geluTanh } from "./fused/gelu.ts";
export { layerNorm } from "./fused/layer-norm.ts";
export { softmaxCrossEntropy } from "./fused/cross-entropy.ts";
export { type Keep, type WithGradient, withGradient } from "./fused/with-gradient.ts";
export { valueAndGradients } from "./gradients.ts";
export type { RandomKey } from "./random-bytes.ts";
export { type DropoutMask, generator, type Generator, generatorAt, type Random } from "./random.ts";
export {
  encodeSafetensors,
  safetensorsParts,
  readSafetensors,
  type SafeTensors,
  type StoredTensor,
  toFloat32,
  toInt32,
  toStored,
  writeSafetensors,
} from "./safetensors.ts";
