import { tf } from "../tf.ts";
import { BACKEND, type TracingBackend } from "./backend.ts";
import { elementwise } from "./kernels/elementwise.ts";
import { lookups } from "./kernels/lookups.ts";
import { matrices } from "./kernels/matrices.ts";
import { reductions } from "./kernels/reductions.ts";
import type { Attrs, Inputs, Rules } from "./kernels/rule.ts";
import { shapes } from "./kernels/shapes.ts";

/** How each TensorFlow.js kernel reads in ONNX. What is not here cannot be compiled: `kernels/uncovered.ts` says why. */
export const rules: Rules = { ...elementwise, ...reductions, ...shapes, ...lookups, ...matrices };

for (const [kernelName, rule] of Object.entries(rules)) {
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: ({ inputs, backend, attrs }) =>
      rule(backend as TracingBackend, inputs as unknown as Inputs, attrs as unknown as Attrs),
  });
}
