import { expect, it } from "vitest";
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from "./half-floats.ts";

it("every half float comes back as itself", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const numbers = fromHalf(all);
  const back = toHalf(numbers);
  const changed = [...all].filter((bits) => back[bits] !== bits && !Number.isNaN(numbers[bits]));
  expect(changed).toStrictEqual([]);
});

it("numbers in between go to the nearer half float, and to the even one where both are as near", () => {
  const halves = (...numbers: number[]) => [...fromHalf(toHalf(Float32Array.from(numbers)))];
  const step = 2 ** -10;
  expect(halves(1 + 0.4 * step, 1 + 0.6 * step, 1 + 0.5 * step, 1 + 1.5 * step)).toStrictEqual([
    ...[1, 1 + step, 1, 1 + 2 * step],
  ]);
  expect(halves(2 ** -24, 0.4 * 2 ** -24, 0.5 * 2 ** -24, 1.5 * 2 ** -24, -1e-30)).toStrictEqual([
    ...[2 ** -24, 0, 0, 2 * 2 ** -24, -0],
  ]);
  expect(halves(65504, 65519, 65520, -1e9)).toStrictEqual([65504, 65504, Infinity, -Infinity]);
  expect(halves(NaN)).toStrictEqual([NaN]);
});

it("bfloat16 is the upper half of a float32, rounded", () => {
  expect([...toBfloat16(Float32Array.of(1, 1 + 2 ** -8, 1 + 2 ** -7, 1 + 3 * 2 ** -8))]).toStrictEqual([
    ...[0x3f80, 0x3f80, 0x3f81, 0x3f82],
  ]);
  expect([...toBfloat16(Float32Array.of(-2, Infinity, NaN))]).toStrictEqual([0xc000, 0x7f80, 0x7fc0]);
  expect([...fromBfloat16(Uint16Array.of(0x3f81, 0xc000))]).toStrictEqual([1 + 2 ** -7, -2]);
});
