/** Numbers as half floats (IEEE 754 binary16), each rounded to the nearest, ties to even. */
export const toHalf = (values: ArrayLike<number>): Uint16Array<ArrayBuffer> => rounded(values, halfBits);

/** Numbers as bfloat16, each rounded to the nearest, ties to even. */
export const toBfloat16 = (values: ArrayLike<number>): Uint16Array<ArrayBuffer> => rounded(values, bfloat16Bits);

/** Half floats as float32, exactly. */
export function fromHalf(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => halfToNumber(bits));
  const numbers = new Float32Array(halves.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = table[halves[i]!]!;
  return numbers;
}

/** Bfloat16s as float32, exactly. */
export function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < words.length; i++) words[i] = halves[i]! << 16;
  return new Float32Array(words.buffer);
}

// What each of the 65,536 is: filled on first use.
let table: Float32Array | undefined;

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

function rounded(values: ArrayLike<number>, bitsOf: (float32: number) => number): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    float[0] = values[i]!;
    halves[i] = bitsOf(bits[0]!);
  }
  return halves;
}

function bfloat16Bits(float32: number): number {
  if ((float32 & 0x7fffffff) > 0x7f800000) return (float32 >>> 16) | 0x40; // NaN stays one
  return (float32 + 0x7fff + ((float32 >>> 16) & 1)) >>> 16;
}

function halfBits(float32: number): number {
  const sign = (float32 >>> 16) & 0x8000;
  const size = float32 & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00; // NaN
  if (size >= 0x477ff000) return sign | 0x7c00; // rounds beyond the largest
  // 13 bits of the fraction go; below 2⁻¹⁴ more of them, and the leading 1 is written out.
  const small = size < 0x38800000;
  const gone = small ? Math.min(126 - (size >>> 23), 31) : 13;
  const kept = small ? (size & 0x7fffff) | 0x800000 : size - 0x38000000;
  const whole = kept >>> gone;
  const rest = kept & ((1 << gone) - 1);
  const half = 1 << (gone - 1);
  return sign | (whole + (rest > half || (rest === half && (whole & 1) === 1) ? 1 : 0));
}
