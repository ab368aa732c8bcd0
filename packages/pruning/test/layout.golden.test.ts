import { describeGolden } from "@pruning-bias/oracle";
import {
  type EncoderSizes,
  fromNnPruning,
  initialScores,
  type Layout,
  type NnPruningKeys,
  regulariser,
  regulariserGroups,
  schedule,
  scoreLayout,
} from "@pruning-bias/pruning";
import { type NDArray, sizeOf, type tf, valueAndGradients } from "@pruning-bias/runtime";
import { expect, test } from "vitest";
import {
  array,
  backends,
  type Case,
  difference,
  farFrom,
  flat,
  type Nested,
  readCases,
  withoutKind,
} from "./fixtures.ts";

type Settings = NnPruningKeys & { readonly kind: string; readonly dense_pruning_method: string };
type Shapes = Readonly<Record<string, readonly number[]>>;
type Scores = Readonly<Record<string, Nested>>;
interface Regulariser {
  readonly total: number;
  readonly groups: Readonly<Record<string, number>>;
  readonly grad_scores: Scores;
}

describeGolden("the layout of scores", "masks.json", (path) => {
  type Expected = { parameters: Shapes; state_dict: Shapes; trainable: number };
  for (const { name, settings, inputs, expected } of readCases<Settings, { config: EncoderSizes }, Expected>(
    path,
    "layout",
  )) {
    test(name, () => {
      const layout = scoreLayout(inputs.config, fromNnPruning(withoutKind(settings)));
      const shapes = Object.fromEntries(layout.scores.map(({ name, shape }) => [name, shape]));
      expect(Object.entries(shapes)).toEqual(Object.entries(expected.parameters));
      const entries = layout.modules.flatMap(({ entries }) =>
        entries.map((entry) => [entry.name, shapes[entry.scores]]),
      );
      expect(entries).toEqual(Object.entries(expected.state_dict));
      const trained = layout.scores.filter(({ trained }) => trained);
      expect(trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(expected.trainable);
    });
  }
});

describeGolden("the regulariser", "masks.json", (path) => {
  const sizes = new Map(
    readCases<Settings, { config: EncoderSizes }, unknown>(path, "layout").map(({ name, inputs }) => [
      name.replace("layout: ", ""),
      inputs.config,
    ]),
  );
  const cases = readCases<Settings, { scores: Scores }, Regulariser>(path, "regulariser");
  for (const one of cases) {
    const { name, settings, expected } = one;
    const [, of] = /^regulariser: (.*), l[01], \w+ scores$/.exec(name)!;
    test.each(backends)(`${name} (%s)`, async (_, compile) => {
      const pruning = fromNnPruning(withoutKind(settings));
      const layout = scoreLayout(sizes.get(of!)!, pruning);
      const given = scoresOf(one, cases, layout);
      const run = compile((scores: Readonly<Record<string, tf.Tensor>>) => {
        const { value, gradients } = valueAndGradients((leaves) => regulariser(layout, pruning, leaves), scores);
        return {
          total: value,
          gradients,
          groups: regulariserGroups(layout, pruning, scores) as Record<string, tf.Scalar>,
        };
      });
      const { total, groups, gradients } = await run(given.scores);
      await run.dispose();
      const slopes = Object.entries(expected.grad_scores).map(([score, nested]) => [score, flat(nested)] as const);
      expect(farFrom(gradients, slopes, 1e-6)).toEqual([]);
      const values = Object.entries({ ...expected.groups, total: expected.total });
      const known = given.onlyMagnitudes ? [] : values.map(([of, value]) => [of, [value]] as const);
      expect(farFrom({ ...groups, total }, known, 1e-6)).toEqual([]);
    });
  }

  /**
   * make_masks.py may have stored each layout's scores by reference: all its cases then show those of the last one.
   * Zeros are known; of the others |S| can be had from the gradients, since σ′(S) = σ(S)(1 − σ(S)) is even, and must be
   * numbers of three decimals as all scores were.
   */
  function scoresOf(one: Case<Settings, { scores: Scores }, Regulariser>, all: typeof cases, layout: Layout) {
    if (one.name.endsWith("zero scores")) return { scores: initialScores(layout), onlyMagnitudes: false };
    const own = all.filter(({ name }) => name.split(", l")[0] === one.name.split(", l")[0]);
    const aliased = own.every(({ inputs }) => JSON.stringify(inputs) === JSON.stringify(own[0]!.inputs));
    const lost = aliased && one.settings.regularization !== "l0";
    const scores: Record<string, NDArray> = {};
    const groups = Map.groupBy(layout.scores, ({ group }) => group);
    for (const { name, shape, group } of layout.scores) {
      const lambda = { attention: one.settings.attention_lambda ?? 1, dense: one.settings.dense_lambda ?? 1 }[group];
      const scale = (groups.size * groups.get(group)!.length * sizeOf(shape)) / lambda;
      const magnitude = (nested: Nested) => flat(nested).map((gradient) => invert(gradient * scale));
      scores[name] = lost
        ? array(reshaped(magnitude(one.expected.grad_scores[name]!), shape))
        : array(one.inputs.scores[name]!);
    }
    return { scores, onlyMagnitudes: lost };
  }
});

describeGolden("the schedule", "masks.json", (path) => {
  interface Position {
    readonly initial_threshold?: number;
    readonly final_threshold: number;
    readonly initial_warmup?: number;
    readonly final_warmup?: number;
    readonly final_lambda: number;
    readonly initial_ampere_temperature?: number;
    readonly final_ampere_temperature?: number;
    readonly total_steps: number;
    readonly warmup_steps?: number;
    readonly training?: boolean;
  }
  type Expected = Record<"threshold" | "regu_lambda" | "ampere_temperature" | "progress", number> & { error?: string };
  for (const { name, settings, inputs, expected } of readCases<Position, { step: number }, Expected>(
    path,
    "schedule",
  )) {
    const { total_steps: totalSteps, warmup_steps: warmupSteps = 0, training = true, final_lambda } = settings;
    const { initial_threshold, final_threshold, initial_warmup, final_warmup } = settings;
    const { initial_ampere_temperature, final_ampere_temperature } = settings;
    const pruning = fromNnPruning({
      initial_threshold,
      final_threshold,
      initial_warmup,
      final_warmup,
      initial_ampere_temperature,
      final_ampere_temperature,
      regularization_final_lambda: final_lambda,
    });
    const divided = expected.error === "division by zero";
    test(`${name}, step ${inputs.step}${divided ? " (ours: λ is the final one)" : ""}`, () => {
      const position = { step: inputs.step, totalSteps, warmupSteps, training };
      const { threshold, lambda, temperature, progress } = schedule(pruning, position);
      const { regu_lambda, ampere_temperature } = expected;
      // The original fails there, ours goes on.
      const original = divided
        ? [final_threshold, final_lambda, temperature, progress]
        : [expected.threshold, regu_lambda, ampere_temperature, expected.progress];
      expect(difference([threshold, lambda, temperature, progress], original)).toBeLessThan(1e-12);
    });
  }
});

/** |S| of σ(S)(1 − σ(S)), a number of three decimals. */
function invert(slope: number): number {
  const above = (1 + Math.sqrt(Math.max(0, 1 - 4 * slope))) / 2;
  const score = Math.log(above / (1 - above));
  const rounded = Math.round(score * 1000) / 1000;
  if (Math.abs(score - rounded) > 1e-6) throw new Error(`expected a score of three decimals, got ${score}`);
  return rounded;
}

const reshaped = (values: number[], shape: readonly number[]): Nested =>
  shape.length === 1
    ? values
    : Array.from({ length: shape[0]! }, (_, row) => values.slice(row * shape[1]!, (row + 1) * shape[1]!));
