/** Blocks over a weight [out, in], and which settings they come from, for errors. */
export interface Blocks {
  /** The linear layer, such as `encoder.layer.0.attention.self.query`. */
  readonly module: string;
  readonly shape: readonly [outputs: number, inputs: number];
  readonly block: readonly [rows: number, columns: number];
  readonly keys: readonly [rows: string, columns: string];
}

/**
 * How many blocks lie below and beside each other.
 *
 * @throws RangeError `KEY: 48 does not divide 768 rows of MODULE (768×768)`
 */
export function blockGrid({ module, shape, block, keys }: Blocks): [rows: number, columns: number] {
  const count = (axis: 0 | 1, what: string): number => {
    if (shape[axis] % block[axis] !== 0) {
      throw new RangeError(
        `${keys[axis]}: ${block[axis]} does not divide ${shape[axis]} ${what} of ${module} (${shape.join("×")})`,
      );
    }
    return shape[axis] / block[axis];
  };
  return [count(0, "rows"), count(1, "columns")];
}
