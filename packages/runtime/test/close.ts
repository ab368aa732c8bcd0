import { expect } from "vitest";
import { leaves, type NDArray, type Tree } from "../src/index.ts";
import { isHostLeaf } from "../src/host.ts";

/** Expects two host trees to have the same paths, types and shapes, and values that differ by at most `tolerance`, relatively above 1. */
export function expectClose(got: unknown, expected: unknown, tolerance = 1e-5): void {
  const [a, b] = [got, expected].map((tree) =>
    leaves(tree as Tree<NDArray>, isHostLeaf as (node: unknown) => node is NDArray),
  );
  expect(a!.map(([path, { dtype, shape }]) => [path, dtype, [...shape]])).toEqual(
    b!.map(([path, { dtype, shape }]) => [path, dtype, [...shape]]),
  );
  for (const [index, [path, { data }]] of a!.entries()) {
    const other = b![index]![1].data;
    let worst = 0;
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [data[i]!, other[i]!];
      if (Object.is(x, y) || (Number.isNaN(x) && Number.isNaN(y))) continue;
      worst = Math.max(worst, Math.abs(x - y) / Math.max(1, Math.abs(y)));
    }
    expect(worst, `${path}: largest difference`).toBeLessThanOrEqual(tolerance);
  }
}
