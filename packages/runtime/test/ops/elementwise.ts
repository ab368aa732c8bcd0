import { tf } from "../../src/index.ts";
import { bools, floats, ints, named, type Op, positive, type Row, several, signed } from "./row.ts";

/** Operands of the same shape, broadcast on either side and on both, of ranks 0 to 4. */
const pairs: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [[2, 2], []],
  [[], [2, 1, 2]],
  [
    [2, 1, 2, 3],
    [2, 1, 1],
  ],
];
const empty: [number[], number[]] = [[0, 3], [3]];

const arithmetic: Record<string, Op> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  maximum: tf.maximum,
  minimum: tf.minimum,
  mod: tf.mod,
  squaredDifference: tf.squaredDifference,
};
const ofFloats: Record<string, Op> = { ...arithmetic, atan2: tf.atan2, divNoNan: tf.divNoNan };
const comparisons: Record<string, Op> = {
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
  equal: tf.equal,
  notEqual: tf.notEqual,
};
const logic: Record<string, Op> = { logicalAnd: tf.logicalAnd, logicalOr: tf.logicalOr, logicalXor: tf.logicalXor };

const binary: Row[] = [
  ...entriesOf(ofFloats).flatMap(([name, op]) => [
    ...pairs.map(([a, b]): Row => [`${name} of ${named(a, b)}`, op, [floats(a), positive(b, 4)], "gradient"]),
    [`${name} of nothing`, op, [floats(empty[0]), floats(empty[1])]] as Row,
  ]),
  ...pairs.map(([a, b]): Row => [`pow of ${named(a, b)}`, tf.pow, [positive(a), positive(b, 4)], "gradient"]),
  ...pairs
    .filter(([a, b]) => a.length >= b.length && a.length < 4 && a.join() !== "2,1")
    .map(([a, b]): Row => [`prelu of ${named(a, b)}`, tf.prelu, [floats(a), positive(b, 4)], "gradient"]),
  ...[
    ...entriesOf(arithmetic),
    ...entriesOf({ pow: tf.pow, floorDiv: tf.floorDiv, bitwiseAnd: tf.bitwiseAnd }),
  ].flatMap(([name, op]) =>
    pairs
      .slice(0, name === "bitwiseAnd" ? 1 : 5)
      .map(([a, b]): Row => [`${name} of int32 ${named(a, b)}`, op, [signed(a), signed(b, 3)]]),
  ),
  ...entriesOf(comparisons).flatMap(([name, op]) =>
    pairs.slice(0, 4).flatMap(([a, b]): Row[] => [
      [`${name} of ${named(a, b)}`, op, [floats(a), floats(b, 2)]],
      [`${name} of int32 ${named(a, b)}`, op, [ints(a), ints(b, 1)]],
      [`${name} of bool ${named(a, b)}`, op, [bools(a), bools(b, 1)]],
    ]),
  ),
  ...entriesOf(logic).flatMap(([name, op]) =>
    pairs.slice(0, 5).map(([a, b]): Row => [`${name} of ${named(a, b)}`, op, [bools(a), bools(b, 1)]]),
  ),
  ["floorDiv of floats", tf.floorDiv, [floats([2, 3]), positive([3], 4)]],
  ["atan2 of int32", tf.atan2, [signed([7]), signed([7], 3)]],
  [
    "addN",
    (a: tf.Tensor, b: tf.Tensor) => tf.addN([a, b, a]),
    several(floats, [
      [2, 3],
      [2, 3],
    ]),
    "gradient",
  ],
  ["addN of int32", (a: tf.Tensor, b: tf.Tensor) => tf.addN([a, b, a]), several(signed, [[4], [4]])],
];

/** Functions of one operand, and where they are smooth. */
const unary: Record<string, [op: Op, domain?: (x: tf.Tensor) => tf.Tensor]> = {
  abs: [tf.abs],
  acos: [tf.acos, (x) => tf.mul(x, 0.5)],
  acosh: [tf.acosh, (x) => tf.add(x, 4)],
  asin: [tf.asin, (x) => tf.mul(x, 0.5)],
  asinh: [tf.asinh],
  atan: [tf.atan],
  atanh: [tf.atanh, (x) => tf.mul(x, 0.5)],
  ceil: [tf.ceil],
  clipByValue: [(x: tf.Tensor) => tf.clipByValue(x, -0.3, 0.4)],
  cos: [tf.cos],
  cosh: [tf.cosh],
  elu: [tf.elu],
  erf: [tf.erf],
  exp: [tf.exp],
  expm1: [tf.expm1],
  floor: [tf.floor],
  leakyRelu: [(x: tf.Tensor) => tf.leakyRelu(x, 0.1)],
  log: [tf.log, (x) => tf.add(x, 2)],
  log1p: [tf.log1p, (x) => tf.add(x, 2)],
  logSigmoid: [tf.logSigmoid],
  neg: [tf.neg],
  reciprocal: [tf.reciprocal, (x) => tf.add(x, 2.5)],
  relu: [tf.relu],
  relu6: [tf.relu6],
  round: [tf.round],
  rsqrt: [tf.rsqrt, (x) => tf.add(x, 2.5)],
  selu: [tf.selu],
  sigmoid: [tf.sigmoid],
  sign: [tf.sign],
  sin: [tf.sin],
  sinh: [tf.sinh],
  softplus: [tf.softplus],
  sqrt: [tf.sqrt, (x) => tf.add(x, 2)],
  square: [tf.square],
  step: [(x: tf.Tensor) => tf.step(x, 0.3)],
  tan: [tf.tan, (x) => tf.mul(x, 0.5)],
  tanh: [tf.tanh],
};

/** TensorFlow.js refuses integers for these. */
const floatsAlone = new Set("ceil cos cosh elu floor log rsqrt sigmoid sin sqrt tan tanh".split(" "));

const one: Row[] = [
  ...entriesOf(unary).flatMap(([name, [op, domain = (x: tf.Tensor) => x]]) => {
    const within = ((x: tf.Tensor) => op(domain(x) as never)) as Op;
    return [
      ...[[], [2, 3], [2, 1, 2, 1]].map((shape): Row => [
        `${name} of ${named(shape)}`,
        within,
        [floats(shape)],
        "gradient",
      ]),
      [`${name} of nothing`, op, [floats([0, 2])]] as Row,
      ...(floatsAlone.has(name) ? [] : [[`${name} of int32`, op, [signed([7])]] as Row]),
    ];
  }),
  ["logicalNot", tf.logicalNot, [bools([2, 3])]],
  ["isNaN", tf.isNaN, [floats([2, 3])]],
  ["isInf", tf.isInf, [floats([2, 3])]],
  ["isFinite", tf.isFinite, [floats([2, 3])]],
  ["isNaN of int32", tf.isNaN, [ints([3])]],
  ["cast to the same", (x: tf.Tensor) => tf.cast(x, "float32"), [floats([2, 3])], "gradient"],
  ...[floats([5]), signed([5]), bools([5])].flatMap((x) =>
    (["float32", "int32", "bool"] as const).map((to): Row => [
      `cast of ${x.dtype} to ${to}`,
      (x: tf.Tensor) => tf.cast(x, to),
      [x],
    ]),
  ),
  ["clone", tf.clone, [floats([2, 3])], "gradient"],
];

export const elementwise: readonly Row[] = [...binary, ...one];

function entriesOf<T>(record: Record<string, T>): [string, T][] {
  return Object.entries(record);
}
