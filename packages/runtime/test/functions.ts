import { generator, ndarray, type NDArray, type Random, tf, valueAndGradients } from "../src/index.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;
type TestFunction = (inputs: Tensors, random: Random) => Tensors;

/** What models and optimisers are made of, gradients included: each backend must compute the same. */
export const functions: [name: string, fn: TestFunction, inputs: Record<string, NDArray>][] = [
  [
    "products of matrices",
    ({ a, b, c }) => ({
      plain: tf.matMul(a!, b!),
      transposed: tf.matMul(a!, c!, false, true),
      both: tf.matMul(b!, a!, true, true),
    }),
    { a: floats(5, 7), b: floats(7, 3), c: floats(4, 7) },
  ],
  [
    "products of batches",
    ({ a, b, c }) => ({
      plain: tf.matMul(a!, b!),
      left: tf.matMul(a!, a!, true),
      right: tf.matMul(a!, a!, false, true),
      one: tf.matMul(a!, c!),
    }),
    { a: floats(2, 3, 4, 5), b: floats(2, 3, 5, 6), c: floats(1, 1, 5, 2) },
  ],
  ["attention", withGradients(attention), { x: floats(2, 6, 8), w: floats(8, 24), mask: floats(2, 1, 1, 6) }],
  ["layer norm", withGradients(layerNorm), { x: floats(4, 9), gamma: floats(9), beta: floats(9) }],
  [
    "gelu",
    withGradients(({ x }) => tf.mul(tf.mul(x!, 0.5), tf.add(tf.erf(tf.div(x!, Math.SQRT2)), 1))),
    { x: floats(3, 5) },
  ],
  ["cross-entropy", withGradients(({ x }) => tf.neg(tf.logSoftmax(x as tf.Tensor2D))), { x: floats(4, 11) }],
  [
    "embeddings",
    withGradients(({ table, ids }) => tf.gather(table!, ids as tf.Tensor1D)),
    { table: floats(7, 4), ids: ndarray(Int32Array.of(3, 1, 3, 6, 0, 3), [2, 3]) },
  ],
  [
    "what stands beside a value and in its gradient",
    ({ x, ids }) => {
      let beside: tf.Tensor | undefined;
      const { gradients } = valueAndGradients(
        ({ x }) => {
          beside = tf.exp(x!);
          const large = tf.cast(tf.greater(ids!, 3), "float32");
          const halved = tf.customGrad((x) => ({
            value: tf.mul(x as tf.Tensor, large),
            gradFunc: (dy: tf.Tensor) => tf.mul(tf.mul(dy, large), 0.5),
          }));
          return tf.sum<tf.Scalar>(halved(tf.mul(beside, x!)));
        },
        { x: x! },
      );
      return { beside: beside!, dx: gradients["x"]! };
    },
    { x: floats(6), ids: ndarray(Int32Array.of(3, 1, 4, 6, 0, 3)) },
  ],
  [
    "masks of scores",
    withGradients(({ scores, w }) => {
      const mask = tf.step(tf.sub(tf.sigmoid(scores!), 0.5));
      const blocks = tf.mul(tf.reshape(mask, [2, 1, 3, 1]), tf.ones([2, 4, 3, 2]));
      return tf.mul(tf.mul(w!, tf.reshape(blocks, [8, 6])), tf.sum(tf.sigmoid(scores!)));
    }),
    { scores: floats(2, 3), w: floats(8, 6) },
  ],
  [
    "a step of Adam",
    ({ w, g, m, v, rate }) => {
      const [first, second] = [
        tf.add(tf.mul(m!, 0.9), tf.mul(g!, 0.1)),
        tf.add(tf.mul(v!, 0.999), tf.mul(tf.square(g!), 0.001)),
      ];
      return { w: tf.sub(w!, tf.mul(rate!, tf.div(first, tf.add(tf.sqrt(second), 1e-8)))), m: first, v: second };
    },
    { w: floats(5, 3), g: floats(5, 3), m: floats(5, 3), v: positive(5, 3), rate: ndarray(Float32Array.of(0.1), []) },
  ],
  ["dropout", ({ x }, random) => ({ y: random.dropout(x!, 0.1) }), { x: positive(16, 16) }],
  [
    "cutting and joining",
    ({ x, y }) => ({
      joined: tf.concat([x!, y!], 1),
      stacked: tf.stack([x!, y!], -1),
      cut: tf.slice(x!, [1, 0], [2, 3]),
      padded: tf.pad(
        x!,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
      tiled: tf.tile(x!, [2, 1]),
      turned: tf.transpose(x!),
      parts: tf.split(x!, [1, 3], 1)[1]!,
    }),
    { x: floats(3, 4), y: floats(3, 4) },
  ],
  [
    "reductions",
    ({ x }) => ({
      sum: tf.sum(x!, [0, 2], true),
      mean: tf.mean(x!, -1),
      max: tf.max(x!, 1),
      min: tf.min(x!),
      at: tf.argMax(x!, 1),
      running: tf.cumsum(x!, 1, true),
    }),
    { x: floats(2, 3, 4) },
  ],
  [
    "integers and truths",
    ({ ids, x }) => ({
      hot: tf.oneHot(ids as tf.Tensor1D, 4),
      same: tf.equal(ids!, 2),
      both: tf.logicalAnd(tf.greater(x!, 0), tf.logicalNot(tf.less(x!, 1))),
      chosen: tf.where(tf.greaterEqual(x!, 0), x!, tf.zerosLike(x!)),
      counted: tf.sum(tf.cast(tf.equal(ids!, 2), "int32")),
      sums: tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4),
    }),
    { ids: ndarray(Int32Array.of(0, 2, 3, 2, 1)), x: floats(5) },
  ],
];

/** A function's value, and the gradients of its sum under uneven weights for all float inputs. */
function withGradients(fn: (inputs: Tensors) => tf.Tensor): TestFunction {
  return (inputs) => {
    const floats = Object.fromEntries(Object.entries(inputs).filter(([, x]) => x.dtype === "float32"));
    const { value, gradients } = valueAndGradients((parameters: Tensors) => {
      const y = fn({ ...inputs, ...parameters });
      const weights = Float32Array.from({ length: y.size }, (_, i) => 0.5 + ((i * 7) % 5) / 4);
      return tf.sum<tf.Scalar>(tf.mul(y, tf.tensor(weights, y.shape)));
    }, floats);
    return { value, ...Object.fromEntries(Object.entries(gradients).map(([name, g]) => [`d${name}`, g])) };
  };
}

// Two heads of four.
function attention({ x, w, mask }: Tensors): tf.Tensor {
  const [q, k, v] = tf
    .split(tf.matMul(tf.reshape(x!, [12, 8]), w!), 3, 1)
    .map((part) => tf.transpose(tf.reshape(part, [2, 6, 2, 4]), [0, 2, 1, 3])) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const weights = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 0.5), mask!));
  return tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [2, 6, 8]);
}

function layerNorm({ x, gamma, beta }: Tensors): tf.Tensor {
  const centred = tf.sub(x!, tf.mean(x!, -1, true));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-12));
  return tf.add(tf.mul(tf.div(centred, deviation), gamma!), beta!);
}

function floats(...shape: number[]): NDArray {
  const random = generator(shape.length * 31 + shape[0]!);
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Float32Array.from({ length: size }, () => 3 * random.uniform() - 1.5),
    shape,
  );
}

function positive(...shape: number[]): NDArray {
  const { data } = floats(...shape);
  return ndarray(
    Float32Array.from(data, (x) => Math.abs(x) + 0.2),
    shape,
  );
}
