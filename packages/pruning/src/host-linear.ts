import { ndarray, type NDArray } from "@pruning-bias/runtime";

/** A linear layer on the host; a matrix of no rows or columns is not stored. */
export interface HostLinear {
  readonly weight: Float32Array;
  readonly bias: Float64Array | Float32Array | undefined;
  readonly outputs: number;
  readonly inputs: number;
}

/** Some of its outputs, in that order; −1 is an output that is always 0. */
export function rowsOf({ weight, bias, inputs }: HostLinear, rows: readonly number[]): HostLinear {
  const picked = new Float32Array(rows.length * inputs);
  for (const [to, from] of rows.entries()) {
    if (from >= 0) picked.set(weight.subarray(from * inputs, (from + 1) * inputs), to * inputs);
  }
  return {
    weight: picked,
    bias: bias && Float32Array.from(rows, (row) => bias[row] ?? 0),
    outputs: rows.length,
    inputs,
  };
}

/** Some of its inputs, in that order; −1 is an input that does nothing. */
export function columnsOf({ weight, bias, outputs, inputs }: HostLinear, columns: readonly number[]): HostLinear {
  const width = columns.length;
  const picked = new Float32Array(outputs * width);
  for (let row = 0; row < outputs; row++) {
    for (const [to, from] of columns.entries()) {
      if (from >= 0) picked[row * width + to] = weight[row * inputs + from]!;
    }
  }
  return { weight: picked, bias, outputs, inputs: width };
}

/** The layer with its outputs times a factor. */
export function scaled(linear: HostLinear, factor: number): HostLinear {
  if (factor === 1) return linear;
  const { weight, bias } = linear;
  return { ...linear, weight: weight.map((value) => value * factor), bias: bias?.map((value) => value * factor) };
}

/** The layer with W·constant, W of the `whole` layer, added to its bias: what inputs that never change add. */
export function withConstant(
  linear: HostLinear,
  { weight, inputs, outputs }: HostLinear,
  constant: Float64Array,
): HostLinear {
  const bias = Float32Array.from({ length: outputs }, (_, row) => {
    let sum = linear.bias?.[row] ?? 0;
    for (let i = 0; i < inputs; i++) if (constant[i] !== 0) sum += weight[row * inputs + i]! * constant[i]!;
    return sum;
  });
  return { ...linear, bias };
}

/** The linear layer of that name. @throws Error where there is none */
export function linearOf(weights: Readonly<Record<string, NDArray>>, name: string): HostLinear {
  const weight = weights[`${name}.weight`];
  if (weight === undefined) throw new Error(`compact: expected ${name}.weight, got none of that name`);
  const [outputs, inputs] = weight.shape as [number, number];
  return {
    weight: weight.data as Float32Array,
    bias: weights[`${name}.bias`]?.data as Float32Array | undefined,
    ...{ outputs, inputs },
  };
}

/** Puts it among weights in the place of what was there. */
export function storeLinear(
  weights: Record<string, NDArray>,
  name: string,
  { weight, bias, outputs, inputs }: HostLinear,
): void {
  delete weights[`${name}.weight`];
  delete weights[`${name}.bias`];
  if (weight.length > 0) weights[`${name}.weight`] = ndarray(weight, [outputs, inputs]);
  if (bias !== undefined && outputs > 0) weights[`${name}.bias`] = ndarray(Float32Array.from(bias), [outputs]);
}

/** Whether an output has no weights. */
export function zeroRow({ weight, inputs }: HostLinear, row: number): boolean {
  for (let i = row * inputs; i < (row + 1) * inputs; i++) if (weight[i] !== 0) return false;
  return true;
}

/** Whether an input has no weights. */
export function zeroColumn({ weight, inputs, outputs }: HostLinear, column: number): boolean {
  for (let row = 0; row < outputs; row++) if (weight[row * inputs + column] !== 0) return false;
  return true;
}
