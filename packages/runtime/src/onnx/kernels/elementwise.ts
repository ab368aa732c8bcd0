import type { TracingBackend, Value } from "../backend.ts";
import { onnxTypes } from "../graph.ts";
import {
  alias,
  broadcast,
  cast,
  compare,
  constant,
  DOUBLE,
  float,
  not,
  numbers,
  op,
  refuseTruths,
  type Rule,
  type Rules,
  toInt32,
  toType,
  where,
} from "./rule.ts";

/** Kernels that compute each element from elements at the same place: arithmetic, functions, comparisons, logic. */
export const elementwise: Rules = {
  Add: arithmetic("Add"),
  AddN: (g, inputs) => {
    const [first, ...others] = Object.values(inputs) as [Value, ...Value[]];
    refuseTruths("AddN", first);
    if (first.dtype === "float32") return g.node("Sum", [first, ...others], first.shape, first.dtype);
    return others.reduce((sum, x) => g.node("Add", [sum, x], sum.shape, sum.dtype), alias(g, first, first.shape));
  },
  Sub: arithmetic("Sub"),
  Multiply: arithmetic("Mul"),
  RealDiv: (g, { a, b }) => {
    refuseTruths("RealDiv", a, b);
    return a.dtype === "float32" ? g.node("Div", [a, b], broadcast(a, b), a.dtype) : inDoubles(g, "Div", a, b);
  },
  Maximum: arithmetic("Max"),
  Minimum: arithmetic("Min"),
  Pow: (g, { a, b }) => {
    refuseTruths("Pow", a, b);
    if (a.dtype === "float32") return g.node("Pow", [a, b], broadcast(a, b), a.dtype);
    return inDoubles(g, "Pow", a, b);
  },
  // The remainder has the divisor's sign.
  Mod: (g, { a, b }) => {
    refuseTruths("Mod", a, b);
    const shape = broadcast(a, b);
    if (a.dtype === "int32") {
      // Processors stop at a remainder of 0 and at −2³¹ by −1; by 1 it is 0, as JavaScript says of both.
      const harmless = g.node("Or", [compare(g, b, "Equal", 0), compare(g, b, "Equal", -1)], b.shape, "bool");
      const divisor = where(g, harmless, constant(g, "int32", 1), b, "int32");
      return g.node("Mod", [a, divisor], shape, a.dtype, { fmod: 0 });
    }
    // In 64 bits, as JavaScript: what is added to a small remainder would be rounded away.
    const [x, y] = [a, b].map((operand) => toType(g, g.nameOf(operand), DOUBLE)) as [string, string];
    const remainder = (of: string) => g.graph.node("Mod", [of, y], { fmod: 1 })[0]!;
    const rest = remainder(x);
    const agree = g.node("Equal", [compare(g, a, "Less", 0), compare(g, b, "Less", 0)], shape, "bool");
    const result = op(g, "Where", g.nameOf(agree), rest, remainder(op(g, "Add", rest, y)));
    return g.node("Cast", [result], shape, a.dtype, { to: onnxTypes.float32 });
  },
  FloorDiv: (g, { a, b }) => {
    refuseTruths("FloorDiv", a, b);
    return inDoubles(g, "Div", a, b, "Floor");
  },
  SquaredDifference: (g, { a, b }) => {
    refuseTruths("SquaredDifference", a, b);
    const difference = g.node("Sub", [a, b], broadcast(a, b), a.dtype);
    return g.node("Mul", [difference, difference], difference.shape, difference.dtype);
  },
  Atan2: (g, { a, b }) => {
    refuseTruths("Atan2", a, b);
    return cast(g, atan2(g, cast(g, a, "float32"), cast(g, b, "float32")), a.dtype);
  },
  BitwiseAnd: arithmetic("BitwiseAnd"),
  Prelu: (g, { x, alpha }) => {
    const [input, slope] = [cast(g, x, "float32"), cast(g, alpha, "float32")];
    const below = g.node("Mul", [input, slope], broadcast(x, alpha), "float32");
    return g.node("Where", [compare(g, input, "Less", 0), below, input], below.shape, "float32");
  },

  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  Equal: (g, { a, b }) => g.node("Equal", [a, b], broadcast(a, b), "bool"),
  NotEqual: (g, { a, b }) => not(g, g.node("Equal", [a, b], broadcast(a, b), "bool")),
  LogicalAnd: (g, { a, b }) => g.node("And", [a, b], broadcast(a, b), "bool"),
  LogicalOr: (g, { a, b }) => g.node("Or", [a, b], broadcast(a, b), "bool"),
  LogicalNot: (g, { x }) => not(g, x),

  ...Object.fromEntries(
    ["Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Elu", "Erf", "Log", "Reciprocal", "Selu"]
      .concat("Sigmoid", "Sin", "Sinh", "Softplus", "Sqrt", "Tan", "Tanh")
      .map((name) => [name, ofFloats(name, (g, x) => g.node(name, [x], x.shape, x.dtype))]),
  ),
  ...Object.fromEntries(
    ["Ceil", "Floor", "Round"].map((name) => [
      name,
      ofNumbers(name, (g, x) => (x.dtype === "int32" ? alias(g, x, x.shape) : g.node(name, [x], x.shape, x.dtype))),
    ]),
  ),
  Abs: ofNumbers("Abs", (g, x) => g.node("Abs", [x], x.shape, x.dtype)),
  Neg: ofNumbers("Neg", (g, x) => g.node("Neg", [x], x.shape, x.dtype)),
  // Of NaN it is 0, as there.
  Sign: ofNumbers("Sign", (g, x) => {
    const sign = g.node("Sign", [x], x.shape, x.dtype);
    if (x.dtype !== "float32") return sign;
    return where(g, g.node("IsNaN", [x], x.shape, "bool"), float(g, 0), sign, x.dtype);
  }),
  Square: ofNumbers("Square", (g, x) => g.node("Mul", [x, x], x.shape, x.dtype)),
  Relu: ofNumbers("Relu", (g, x) =>
    x.dtype === "float32"
      ? g.node("Relu", [x], x.shape, x.dtype)
      : g.node("Max", [x, constant(g, x.dtype, 0)], x.shape, x.dtype),
  ),
  Relu6: ofNumbers("Relu6", (g, x) => clip(g, x, 0, 6)),
  ClipByValue: (g, { x }, { clipValueMin, clipValueMax }) => {
    refuseTruths("ClipByValue", x);
    return clip(g, x, clipValueMin, clipValueMax);
  },
  LeakyRelu: (g, { x }, { alpha }) => {
    const input = cast(g, x, "float32");
    const below = g.node("Mul", [input, float(g, alpha ?? 0.2)], x.shape, "float32");
    return where(g, compare(g, input, "Less", 0), below, input, "float32");
  },
  // dy where y ≥ 0, else dy·(y + 1): y + 1 is the exponential there.
  EluGrad: (g, { dy, y }) => {
    const below = g.node("Mul", [dy, g.node("Add", [y, float(g, 1)], y.shape, y.dtype)], y.shape, y.dtype);
    return where(g, compare(g, y, "GreaterOrEqual", 0), dy, below, "float32");
  },
  // The one function that TensorFlow.js gives floats of integers.
  Exp: (g, { x }) => g.node("Exp", [cast(g, x, "float32")], x.shape, "float32"),
  // exp(x) − 1 cancels near 0; there it is 2t/(1 − t), t = tanh(x/2).
  Expm1: ofFloats("Expm1", (g, x) => {
    const node = (name: string, ...inputs: (Value | string)[]) => g.node(name, inputs, x.shape, x.dtype);
    const t = node("Tanh", node("Mul", x, float(g, 0.5)));
    const near = node("Div", node("Add", t, t), node("Sub", float(g, 1), t));
    return where(g, compare(g, node("Abs", x), "Less", 0.5), near, node("Sub", node("Exp", x), float(g, 1)), x.dtype);
  }),
  // With u = 1 + x as rounded, log(u)·x/(u − 1) (Goldberg 1991, theorem 4), and x where u is 1 or infinite.
  Log1p: ofFloats("Log1p", (g, x) => {
    const node = (name: string, ...inputs: (Value | string)[]) => g.node(name, inputs, x.shape, x.dtype);
    const u = node("Add", x, float(g, 1));
    const corrected = node("Mul", node("Log", u), node("Div", x, node("Sub", u, float(g, 1))));
    const plain = g.node("Or", [compare(g, u, "Equal", 1), compare(g, u, "Equal", Infinity)], x.shape, "bool");
    return where(g, plain, x, corrected, x.dtype);
  }),
  Rsqrt: ofFloats("Rsqrt", (g, x) => g.node("Reciprocal", [g.node("Sqrt", [x], x.shape, x.dtype)], x.shape, x.dtype)),
  Step: ofFloats("Step", (g, x, { alpha }) => {
    const step = where(g, compare(g, x, "Greater", 0), float(g, 1), float(g, alpha ?? 0), "float32");
    return where(g, g.node("IsNaN", [x], x.shape, "bool"), x, step, "float32");
  }),

  IsNan: (g, { x }) => g.node("IsNaN", [cast(g, x, "float32")], x.shape, "bool"),
  IsInf: (g, { x }) => g.node("IsInf", [cast(g, x, "float32")], x.shape, "bool"),
  IsFinite: (g, { x }) => {
    const input = cast(g, x, "float32");
    const [infinite, nan] = [g.node("IsInf", [input], x.shape, "bool"), g.node("IsNaN", [input], x.shape, "bool")];
    return not(g, g.node("Or", [infinite, nan], x.shape, "bool"));
  },
  Cast: (g, { x }, { dtype }) => cast(g, x, dtype!),
  Identity: (g, { x }) => alias(g, x, x.shape),
};

function arithmetic(name: string): Rule {
  return (g, { a, b }) => {
    refuseTruths(name, a, b);
    return g.node(name, [a, b], broadcast(a, b), a.dtype);
  };
}

function comparison(name: string): Rule {
  return (g, { a, b }) => g.node(name, [numbers(g, a), numbers(g, b)], broadcast(a, b), "bool");
}

type OfOne = (g: TracingBackend, x: Value, attrs: Parameters<Rule>[2]) => Value;

function ofNumbers(name: string, rule: OfOne): Rule {
  return (g, { x }, attrs) => {
    refuseTruths(name, x);
    return rule(g, x, attrs);
  };
}

/** A function of floats; of integers it is cut off, since TensorFlow.js keeps the type. */
function ofFloats(name: string, rule: OfOne): Rule {
  return ofNumbers(name, (g, x, attrs) => cast(g, rule(g, cast(g, x, "float32"), attrs), x.dtype));
}

/** An operation on two tensors in 64-bit floats, as JavaScript computes it, and its result as int32. */
function inDoubles(g: TracingBackend, name: string, a: Value, b: Value, ...then: string[]): Value {
  const [x, y] = [a, b].map((operand) => toType(g, g.nameOf(operand), DOUBLE)) as [string, string];
  const result = then.reduce((value, next) => op(g, next, value), op(g, name, x, y));
  return toInt32(g, result, DOUBLE, broadcast(a, b));
}

function clip(g: TracingBackend, x: Value, least: number, most: number): Value {
  return g.node("Clip", [x, constant(g, x.dtype, least), constant(g, x.dtype, most)], x.shape, x.dtype);
}

/**
 * The angle of (x, y): atan(y/|x|), and what is missing to ±π of it where x is negative. Two zeros, and two infinities,
 * have a quotient of their own: y (±0), and ±1.
 */
function atan2(g: TracingBackend, y: Value, x: Value): Value {
  const shape = broadcast(y, x);
  const node = (name: string, ...inputs: (Value | string)[]) => g.node(name, inputs, shape, "float32");
  const both = (test: (v: Value) => Value) => g.node("And", [test(y), test(x)], shape, "bool");
  const infinite = both((v) => g.node("IsInf", [v], v.shape, "bool"));
  const zero = both((v) => compare(g, v, "Equal", 0));
  const quotient = node("Div", y, g.node("Abs", [x], x.shape, "float32"));
  const ratio = node("Where", zero, y, node("Where", infinite, g.node("Sign", [y], y.shape, "float32"), quotient));
  const angle = node("Atan", ratio);
  // The sign bit, which −0 has as well.
  const negative = (v: Value) =>
    g.node(
      "Less",
      [g.node("Min", [v, g.node("Reciprocal", [v], v.shape, v.dtype)], v.shape, v.dtype), float(g, 0)],
      v.shape,
      "bool",
    );
  const half = g.node("Where", [negative(y), float(g, -Math.PI), float(g, Math.PI)], y.shape, "float32");
  return node("Where", negative(x), node("Sub", half, angle), angle);
}
