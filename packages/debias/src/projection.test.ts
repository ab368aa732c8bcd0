import { generator, ndarray, type NDArray } from "@pruning-bias/runtime";
import { logisticRegression } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { inlp, principalComponents, project, projected, projectionMatrix, sentenceDebias } from "./index.ts";

const matrix = (...rows: readonly (readonly number[])[]): NDArray =>
  ndarray(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);

describe("a projection", () => {
  const v = Float64Array.of(0.6, 0.8, 0);

  it("takes its direction out and leaves the rest", () => {
    const { data } = project({ directions: [v] }, matrix([3, 4, 7], [4, -3, 1]));
    [0, 0, 7, 4, -3, 1].forEach((value, n) => expect(data[n]).toBeCloseTo(value, 6));
  });

  it("is the matrix I − v vᵀ", () => {
    const P = projectionMatrix({ directions: [v] }, 3);
    [0.64, -0.48, 0, -0.48, 0.36, 0, 0, 0, 1].forEach((value, n) => expect(P[n]).toBeCloseTo(value, 12));
  });

  it("wraps an embedder, and hands on what else it takes", async () => {
    const embed = async (sentences: readonly string[], factor: number) =>
      matrix(...sentences.map(() => [factor, 0, 2]));
    const { data } = await projected(embed, { directions: [Float64Array.of(1, 0, 0)] })(["a", "b"], 5);
    expect([...data]).toEqual([0, 0, 2, 0, 0, 2]);
  });

  it("refuses embeddings of another width", () => {
    expect(() => project({ directions: [v] }, matrix([1, 2]))).toThrow("project: expected embeddings 3 wide, got 2");
    const flat = ndarray(Float32Array.of(1, 2, 3));
    expect(() => project({ directions: [v] }, flat)).toThrow("project: expected embeddings [N, hidden], got [3]");
    expect(() => projectionMatrix({ directions: [v] }, 2)).toThrow(
      "projectionMatrix: expected directions 2 wide, got 3",
    );
  });
});

/** Rows of noise with a class planted along some of their features. */
function planted(count: number, seed: number) {
  const random = generator(seed);
  const labels = Array.from({ length: count }, (_, n) => n % 2 === 0);
  const rows = labels.map((label) => {
    const row = Array.from({ length: 8 }, () => 2 * random.uniform() - 1);
    row[1]! += label ? 1 : -1;
    row[4]! += label ? 0.5 : -0.5;
    return row;
  });
  return { embeddings: matrix(...rows), labels };
}

describe("INLP (Ravfogel et al. 2020)", () => {
  const [train, heldOut] = [planted(800, 1), planted(400, 2)];
  const found = inlp(train, heldOut);

  it("refuses labels of other rows, and what is no number", () => {
    expect(() => inlp({ ...train, labels: [true, false] }, heldOut)).toThrow(
      "inlp: train: expected embeddings [2, 8], got [800, 8]",
    );
    const nan = { embeddings: matrix([1, 2, 3, 4, 5, 6, 7, NaN]), labels: [true] };
    expect(() => inlp(train, nan)).toThrow("inlp: heldOut: expected finite embeddings, got NaN");
  });

  it("reads a planted class off first, and no longer in the end", () => {
    expect(found.accuracies[0]).toBeGreaterThan(0.95);
    expect(found.accuracies.at(-1)).toBeLessThanOrEqual(0.55);
    expect(found.chance).toBe(0.5);
    const [first] = found.directions;
    expect(first![1]! ** 2 + first![4]! ** 2).toBeGreaterThan(0.95);
  });

  it("leaves embeddings off which another classifier reads nothing", () => {
    const { data } = project(found, train.embeddings);
    const rows = train.labels.map((_, n) => Float64Array.from(data.subarray(8 * n, 8 * n + 8)));
    const classify = logisticRegression(rows, train.labels);
    const held = project(found, heldOut.embeddings).data;
    const right = heldOut.labels.filter(
      (label, n) => classify(Float64Array.from(held.subarray(8 * n, 8 * n + 8))) === label,
    );
    expect(right.length / heldOut.labels.length).toBeLessThan(0.58);
  });

  it("finds orthonormal directions, at most as many as asked for", () => {
    const { directions } = inlp(train, heldOut, { iterations: 2 });
    expect(directions).toHaveLength(2);
    const products = directions.flatMap((a) =>
      directions.map((b) => a.reduce((sum, value, d) => sum + value * b[d]!, 0)),
    );
    [1, 0, 0, 1].forEach((value, n) => expect(products[n]).toBeCloseTo(value, 12));
  });

  it("refuses rows of one class", () => {
    const labels = train.labels.map(() => true);
    expect(() => inlp({ ...train, labels }, heldOut)).toThrow("inlp: expected rows of two classes, got one");
  });
});

describe("principal components", () => {
  it("are eigenvectors by their eigenvalues, though the largest entry belongs to a smaller one", () => {
    // Σ x xᵀ = diag(3, [2 2; 2 2]): eigenvalues 4, 3, 0.
    const rows = [
      [Math.sqrt(3), 0, 0],
      [0, Math.SQRT2, Math.SQRT2],
    ].map((row) => Float64Array.from(row));
    const { directions, explained } = principalComponents(rows, 2);
    [0, Math.SQRT1_2, Math.SQRT1_2].forEach((value, d) => expect(directions[0]![d]).toBeCloseTo(value, 9));
    [1, 0, 0].forEach((value, d) => expect(directions[1]![d]).toBeCloseTo(value, 9));
    [4 / 7, 3 / 7].forEach((value, n) => expect(explained[n]).toBeCloseTo(value, 9));
    expect(() => principalComponents(rows, 3)).toThrow("expected rows along 3 directions, got 2");
  });
});

describe("SentenceDebias (Liang et al. 2020)", () => {
  const random = generator(3);
  const common = Array.from({ length: 50 }, () => Array.from({ length: 6 }, () => random.uniform()));
  const gender = [0, 0.6, 0, 0.8, 0, 0];
  const side = (sign: number) =>
    matrix(...common.map((row, n) => row.map((value, d) => value + sign * (1 + (n % 3)) * gender[d]!)));
  const [men, women] = [side(1), side(-1)];

  it("finds the direction in which the sentences of a pair differ, and makes them one", () => {
    const found = sentenceDebias(men, women);
    gender.forEach((value, d) => expect(found.directions[0]![d]).toBeCloseTo(value, 5));
    expect(found.explained[0]).toBeCloseTo(1, 6);
    const [a, b] = [project(found, men).data, project(found, women).data];
    a.forEach((value, n) => expect(value).toBeCloseTo(b[n]!, 5));
  });

  it("refuses what are no pairs", () => {
    expect(() => sentenceDebias(men, matrix([1, 2]))).toThrow("expected pairs, got [50,6] and [1,2]");
  });
});
