import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { compiler, eager, jit, ndarray, type Random, shared, tf, valueAndGradients } from "../src/index.ts";
import { expectClose } from "./close.ts";

const floats = (...values: number[]) => ndarray(Float32Array.from(values));

describe.each([
  ["eager", eager],
  ["compiled", jit],
] as const)("%s functions", (_, on) => {
  it("take and return trees, and numbers for scalars", async () => {
    const fn = on(({ rows, by }: { rows: tf.Tensor[]; by: tf.Scalar }) => ({
      scaled: rows.map((row) => tf.mul(row, by)),
    }));
    const { scaled } = await fn({ rows: [floats(1, 2), floats(3)], by: 2 });
    expect(scaled.map(({ data }) => [...data])).toEqual([[2, 4], [6]]);
  });

  it("write into arrays that are given, and name those that do not fit", async () => {
    const twice = on(({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, 2), sum: [tf.sum(x)] }));
    const into = { y: floats(9, 9), sum: [ndarray(Float32Array.of(9), [])] };
    const out = await twice({ x: floats(1, 2) }, undefined, into);
    expect(out.y.data).toBe(into.y.data);
    expect([...into.y.data, ...into.sum[0]!.data]).toEqual([2, 4, 3]);
    const short = twice({ x: floats(1, 2, 3) }, undefined, into);
    await expect(short).rejects.toThrow("into: y: expected an array of shape [3], got [2]");
    const none = twice({ x: floats(1, 2) }, undefined, { y: floats(0, 0), sum: [] });
    await expect(none).rejects.toThrow("into: sum.0: expected an array of shape [], got none");
  });

  it("write into their own inputs, element by element", async () => {
    const add = on(({ sum, x }: { sum: tf.Tensor; x: tf.Tensor }) => ({ sum: tf.add(sum, tf.matMul(x, x)) }));
    const sum = floats(1, 2, 3, 4);
    const inputs = { sum: ndarray(sum.data, [2, 2]), x: ndarray(floats(1, 1, 0, 1).data, [2, 2]) };
    for (let i = 0; i < 3; i++) await add(inputs, undefined, { sum: inputs.sum });
    expect([...sum.data]).toEqual([4, 8, 3, 7]);
  });

  it("return inputs and constants that nothing was computed on", async () => {
    const out = await on((x: tf.Tensor) => [x, tf.scalar(7)])(floats(1, 2));
    expect(out.map(({ data }) => [...data])).toEqual([[1, 2], [7]]);
  });

  it("work for every shape they are called with", async () => {
    const sum = on((x: tf.Tensor) => tf.sum(x));
    expect((await sum(floats(1, 2))).data[0]).toBe(3);
    expect((await sum(floats(1, 2, 3))).data[0]).toBe(6);
    await sum.dispose();
    expect((await sum(floats(4))).data[0]).toBe(4);
  });

  it("name the input that is no tensor", async () => {
    const fn = on(({ model }: { model: { weight: tf.Tensor } }) => model.weight);
    await expect(fn({ model: { weight: "heavy" as never } })).rejects.toThrow(
      "model.weight: expected a tensor, got heavy",
    );
  });

  it("drop the same elements for the same key, and others for another", async () => {
    const drop = on((x: tf.Tensor, random) => random.dropout(x, 0.1));
    const ones = ndarray(new Float32Array(10_000).fill(1));
    const first = await drop(ones, { seed: 1, counter: 5 });
    expect(await drop(ones, { seed: 1, counter: 5 })).toEqual(first);
    expect((await drop(ones, { seed: 1, counter: 6 })).data).not.toEqual(first.data);
    expect((await drop(ones, { seed: 2, counter: 5 })).data).not.toEqual(first.data);
    const zeros = first.data.filter((x) => x === 0).length;
    expect(zeros / 10_000).toBeCloseTo(26 / 256, 1);
    expect(first.data.find((x) => x !== 0)).toBeCloseTo(256 / 230, 6);
  });
});

describe("compiled functions", () => {
  it("drop what eager ones drop, at every site", async () => {
    const twice = (x: tf.Tensor, random: { dropout<T extends tf.Tensor>(x: T, rate: number): T }) =>
      random.dropout(random.dropout(x, 0.3), 0.5);
    const ones = ndarray(new Float32Array(1000).fill(1));
    const key = { seed: 3, counter: 9 };
    expect((await jit(twice)(ones, key)).data).toEqual((await eager(twice)(ones, key)).data);
  });

  it("leave out what no output needs", async () => {
    const fn = jit(({ x, unused }: { x: tf.Tensor; unused: tf.Tensor }) => {
      tf.exp(unused);
      return tf.neg(x);
    });
    expect([...(await fn({ x: floats(1), unused: floats(2) })).data]).toEqual([-1]);
  });

  it("may be compiled for a number of threads", async () => {
    const fn = compiler({ threads: 1 })((x: tf.Tensor) => tf.square(x));
    expect([...(await fn(floats(3))).data]).toEqual([9]);
  });

  it("keep their numbers when many are called at once", async () => {
    const fn = jit((x: tf.Tensor) => tf.mul(x, 2));
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => fn(floats(...Array<number>((i % 5) + 1).fill(i)))),
    );
    expect(results.map(({ data }) => data[0])).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
  });
});

describe("named axes", () => {
  const axes = { "batch.ids": ["rows", "tokens"], "batch.weights": ["rows"] };
  interface Inputs {
    readonly table: tf.Tensor2D;
    readonly batch: { readonly ids: tf.Tensor2D; readonly weights: tf.Tensor1D };
  }
  const inputs = (rows: number, tokens: number) => ({
    table: ndarray(
      Float32Array.from({ length: 60 }, (_, n) => Math.sin(n)),
      [20, 3],
    ),
    batch: {
      ids: ndarray(
        Int32Array.from({ length: rows * tokens }, (_, n) => (7 * n) % 20),
        [rows, tokens],
      ),
      weights: floats(...Array.from({ length: rows }, (_, n) => n + 1)),
    },
  });
  let traced = 0;
  const gradient = ({ table, batch: { ids, weights } }: Inputs, random: Random) => {
    traced++;
    const [rows, tokens] = ids.shape;
    const { value, gradients } = valueAndGradients(
      (own: { table: tf.Tensor2D }) => {
        const found = tf.reshape(tf.gather(own.table, tf.reshape(ids, [-1])), [rows, tokens, 3]);
        const placed = tf.add(found, tf.reshape(tf.slice(own.table, [0, 0], [tokens, 3]), [1, tokens, 3]));
        const attended = tf.matMul(placed, placed, false, true); // (rows, tokens, tokens)
        const firsts = tf.gather(tf.reshape(placed, [-1, 3]), tf.range(0, rows * tokens, tokens, "int32"));
        const sums = tf.add(tf.sum(random.dropout(attended, 0.5), [1, 2]), tf.sum(firsts, 1));
        return tf.div<tf.Scalar>(tf.sum(tf.mul(sums, weights)), rows * tokens);
      },
      { table },
    );
    return { value, table: gradients["table"]!, spread: random.uniform([rows, tokens]) };
  };

  it("have any size without tracing anew, and the numbers of a function that was compiled for it", async () => {
    const [open, fixed] = [jit(gradient, { axes }), jit(gradient)];
    await open(inputs(4, 6));
    traced = 0;
    const sizes: [number, number][] = [
      [4, 6],
      [9, 2],
      [2, 9],
      [1, 1],
      [30, 20],
    ];
    for (const [n, size] of sizes.entries()) {
      const key = { seed: 1, counter: n };
      const found = await open(inputs(...size), key);
      expect(traced).toBe(n);
      const expected = await fixed(inputs(...size), key);
      expectClose(found, expected, 0);
    }
    await open.dispose();
    await fixed.dispose();
  });

  it("compute on lanes, and with what is eager, as everywhere", async () => {
    const key = { seed: 3, counter: 1 };
    const there = compiler({ threads: 1, lanes: 2 })(gradient, { axes });
    const calls = [there(inputs(3, 4), key), there(inputs(5, 2), key)];
    expectClose(await calls[0], await jit(gradient)(inputs(3, 4), key), 0);
    expectClose(await calls[1], await eager(gradient, { axes })(inputs(5, 2), key));
    await there.dispose();
  });

  it("are compiled size by size where the function differs between them, or cannot have all", async () => {
    const odd = jit(({ x }: { x: tf.Tensor1D }) => (x.shape[0] % 2 === 1 ? tf.neg(x) : tf.neg(tf.neg(x))), {
      axes: { x: ["n"] },
    });
    const cubed = jit(({ x }: { x: tf.Tensor1D }) => tf.mul(x, x.shape[0] ** 3), { axes: { x: ["n"] } });
    expect([...(await odd({ x: floats(1, 2) })).data, ...(await odd({ x: floats(1) })).data]).toEqual([1, 2, -1]);
    expect([...(await cubed({ x: floats(1, 2) })).data, ...(await cubed({ x: floats(1) })).data]).toEqual([8, 16, 1]);
    const short = jit(
      ({ x }: { x: tf.Tensor1D }) => {
        if (x.shape[0] > 2) throw new RangeError("too long");
        return tf.neg(x);
      },
      { axes: { x: ["n"] } },
    );
    expect([...(await short({ x: floats(1, 2) })).data]).toEqual([-1, -2]);
    await expect(short({ x: floats(1, 2, 3) })).rejects.toThrow("too long");
  });

  it("are refused by the function in its own words where one is too long for it alone", async () => {
    const table = jit(
      ({ x, table }: { x: tf.Tensor1D; table: tf.Tensor1D }) => {
        const [length, most] = [x.shape[0], table.shape[0]];
        if (length > most) throw new RangeError(`x: expected at most ${most}, got ${length}`);
        return tf.mul(x, tf.slice(table, 0, length));
      },
      { axes: { x: ["n"] } },
    );
    const ones = (length: number) => floats(...Array<number>(length).fill(1));
    expect((await table({ x: ones(4), table: ones(20) })).data).toHaveLength(4);
    await expect(table({ x: ones(21), table: ones(20) })).rejects.toThrow("x: expected at most 20, got 21");
  });

  it("may add up: what goes by a sum of products is compiled once, too", async () => {
    const parts = { "parts.0": ["rows.0", "tokens.0"], "parts.1": ["rows.1", "tokens.1"] };
    const open = {
      axes: { ...parts, weights: ["rows"] },
      sums: {
        rows: [["rows.0"], ["rows.1"]],
        tokens: [
          ["rows.0", "tokens.0"],
          ["rows.1", "tokens.1"],
        ],
      },
    };
    const of = (rows: number, tokens: number) =>
      ndarray(
        Float32Array.from({ length: rows * tokens }, (_, n) => Math.cos(n)),
        [rows, tokens],
      );
    const given = (...sizes: [number, number][]) => ({
      parts: sizes.map((size) => of(...size)),
      weights: floats(...Array.from({ length: sizes.reduce((sum, [rows]) => sum + rows, 0) }, (_, n) => n + 1)),
    });
    let traced = 0;
    const fn = (
      { parts, weights }: { readonly parts: readonly tf.Tensor2D[]; readonly weights: tf.Tensor1D },
      random: Random,
    ) => {
      traced++;
      const all = random.dropout(tf.concat(parts.map((part) => tf.reshape(part, [-1, 1]))) as tf.Tensor2D, 0.5); // [tokens, 1]
      const wide = tf.matMul(all, tf.ones([1, 3])) as tf.Tensor2D;
      const means = tf
        .split(
          wide,
          parts.map(({ size }) => size),
        )
        .map((own, n) => {
          const [rows, tokens] = parts[n]!.shape;
          return tf.mean(tf.reshape(own, [rows, tokens, 3]), [1, 2]);
        });
      return { all, sum: tf.sum(tf.mul(tf.concat(means), weights)) };
    };
    const compiled = jit(fn, open);
    await compiled(given([2, 3], [4, 5]));
    traced = 0;
    for (const sizes of [
      [
        [2, 3],
        [4, 5],
      ],
      [
        [1, 1],
        [1, 1],
      ],
      [
        [7, 2],
        [3, 30],
      ],
      [
        [4, 4],
        [4, 4],
      ],
    ] as [number, number][][]) {
      const key = { seed: 2, counter: sizes[0]![0] };
      const found = await compiled(given(...sizes), key);
      expect(traced).toBe(0);
      expectClose(found, await eager(fn)(given(...sizes), key));
      traced = 0;
    }
    // One term alone is a product.
    const alone = jit(fn, open);
    await alone(given([2, 3]));
    traced = 0;
    await alone(given([5, 4]));
    expect(traced).toBe(0);
    await expect(compiled({ ...given([2, 3], [4, 5]), weights: floats(1, 2) })).rejects.toThrow(
      new RangeError("weights: expected 6 rows, got 2"),
    );
    await Promise.all([compiled.dispose(), alone.dispose()]);
  });

  it("are compiled size by size where a length is a sum that nobody named", async () => {
    const axes = { a: ["x", "y"], b: ["z", "w"], c: ["u", "v"] };
    const fn = ({ a, b, c }: { readonly a: tf.Tensor2D; readonly b: tf.Tensor2D; readonly c: tf.Tensor2D }) => ({
      range: tf.range(0, a.shape[1] + c.shape[0]),
      filled: tf.fill([1], a.shape[1] + c.shape[0]),
      sum: tf.add<tf.Scalar>(tf.add(tf.sum(a), tf.sum(b)), tf.sum(c)),
    });
    const ones = (...shape: [number, number]) => ndarray(new Float32Array(shape[0] * shape[1]).fill(1), shape);
    const given = { a: ones(2, 3), b: ones(4, 5), c: ones(6, 7) };
    const compiled = jit(fn, { axes });
    await compiled({ a: ones(3, 2), b: ones(2, 2), c: ones(3, 3) });
    expectClose(await compiled(given), await eager(fn)(given), 0);
    await compiled.dispose();
  });

  it("have one size each in a call", async () => {
    const given = inputs(4, 6);
    const batch = { ...given.batch, weights: floats(1, 2) };
    const message = "batch.weights: expected 4 rows, got 2";
    await expect(jit(gradient, { axes })({ ...given, batch })).rejects.toThrow(new RangeError(message));
  });
});

describe("lanes", () => {
  const step = ({ x, sum }: { x: tf.Tensor2D; sum: tf.Tensor2D }, random: Random) => ({
    sum: tf.add(sum, random.dropout(tf.matMul(x, x), 0.5)),
    mean: tf.mean(x),
  });
  const matrix = (size: number) =>
    ndarray(
      Float32Array.from({ length: size * size }, (_, i) => i % 7),
      [size, size],
    );

  it("compute what one thread computes, with noise, in shared arrays and others", async () => {
    const [here, there] = [jit(step), compiler({ threads: 1, lanes: 2 })(step)];
    const key = { seed: 1, counter: 2 };
    for (const [n, into] of [undefined, shared(matrix(8)), matrix(8)].entries()) {
      const inputs = { x: n === 1 ? shared(matrix(8)) : matrix(8), sum: into ?? matrix(8) };
      const expected = await here({ x: matrix(8), sum: matrix(8) }, key);
      const found = await there(inputs, key, into && { sum: into, mean: ndarray(new Float32Array(1), []) });
      expect(found.sum.data).toEqual(expected.sum.data);
      expect(found.mean.data[0]).toBe(expected.mean.data[0]);
      expect(found.sum).toBe(into ?? found.sum);
    }
    await here.dispose();
    await there.dispose();
  });

  it("keep their numbers when many are called at once, and are there again after they were disposed", async () => {
    const fn = compiler({ threads: 1, lanes: 2 })((x: tf.Tensor) => tf.mul(x, 2));
    for (const times of [20, 3]) {
      const results = await Promise.all(
        Array.from({ length: times }, (_, i) => fn(floats(...Array<number>((i % 5) + 1).fill(i)))),
      );
      expect(results.map(({ data }) => data[0])).toEqual(Array.from({ length: times }, (_, i) => 2 * i));
      await fn.dispose();
    }
  });

  it("hold no other thread while they compute", async () => {
    const fn = compiler({ threads: 1, lanes: 1 })((x: tf.Tensor2D) => {
      let y = x;
      for (let i = 0; i < 20; i++) y = tf.tanh(tf.matMul(y, x));
      return y;
    });
    const running = fn(matrix(512));
    let turns = 0;
    while ((await Promise.race([running, setImmediate("turn")])) === "turn") turns++;
    expect(turns).toBeGreaterThan(10);
    await fn.dispose();
  });

  it("pass on what onnxruntime refuses, and go on", async () => {
    const fn = compiler({ threads: 1, lanes: 1 })(({ x, at }: { x: tf.Tensor2D; at: tf.Tensor1D }) => tf.gather(x, at));
    const x = matrix(4);
    await expect(fn({ x, at: ndarray(Int32Array.of(9)) })).rejects.toThrow(/indices element out of data bounds/);
    expect((await fn({ x, at: ndarray(Int32Array.of(1)) })).shape).toEqual([1, 4]);
    await fn.dispose();
    expect(() => compiler({ lanes: 0 })).toThrow("lanes: expected one or more, got 0");
  });
});
