/** Why a group of kernels has no rule: the sentence of the error. */
const reasons = {
  complex: "complex numbers and Fourier transforms run eagerly only",
  convolutions: "convolutions and pooling run eagerly only",
  images: "operations on images run eagerly only",
  random: "its noise would be drawn once, when the function is traced; take it from the function's second argument",
  shapes: "the shape of its result depends on values; use a mask, tf.where or tf.topk with a fixed k instead",
  strings: "strings run eagerly only",
} as const;

/** The kernels of TensorFlow.js' `cpu` backend that have no rule, by the reason. */
const uncovered: Record<keyof typeof reasons, string> = {
  complex: "Complex ComplexAbs FFT IFFT Imag Real",
  convolutions: `AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchToSpaceND Conv2D Conv2DBackpropFilter Conv2DBackpropInput
    Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter
    DepthwiseConv2dNativeBackpropInput Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput FusedConv2D
    FusedDepthwiseConv2D LRN LRNGrad MaxPool MaxPool3D MaxPool3DGrad MaxPoolGrad MaxPoolWithArgmax SpaceToBatchND`,
  images: `CropAndResize DepthToSpace Draw FlipLeftRight ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor
    ResizeNearestNeighborGrad RotateWithOffset Transform`,
  random: "Multinomial",
  shapes: `BroadcastArgs NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RaggedGather RaggedRange
    RaggedTensorToTensor SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum Unique`,
  strings: "StaticRegexReplace StringNGrams StringSplit StringToHashBucketFast",
};

/** The reason why a kernel has no rule, for those that were left out on purpose. */
export const uncoveredKernels: ReadonlyMap<string, string> = new Map(
  Object.entries(uncovered).flatMap(([group, kernels]) =>
    kernels.split(/\s+/).map((kernel) => [kernel, reasons[group as keyof typeof reasons]] as const),
  ),
);
