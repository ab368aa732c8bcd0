import {
  blocks,
  type Change,
  changes,
  ends,
  gap,
  glueMetrics,
  glueOf,
  meanEffect,
  modelOf,
  prunesNothing,
  testOf,
  testsOf,
  tolerance,
  untouchedModels,
  untouchedOf,
} from "./compare.ts";
import { count, fixed, percent, signed, significant } from "./format.ts";
import { breakable, type Html, html, join } from "./html.ts";
import type { PointResults, SweepResults } from "./results.ts";

/** What the sweep found, in words that follow from its numbers alone. */
export interface Summary {
  readonly headline: Html;
  readonly sentences: readonly Html[];
  /** What fell, what rose and at what price, by point. */
  readonly points: readonly { readonly name: string; readonly text: Html }[];
  readonly warnings: readonly Html[];
}

export function summarise(sweep: SweepResults): Summary {
  const all = sweep.points.map((point) => ({ point, list: changes(point, untouchedOf(sweep, point)) }));
  const judged = all.filter(({ list }) => meanEffect(list) !== undefined);
  return {
    headline: headline(sweep, judged),
    sentences: [gapSentence(sweep), riseSentence(sweep, judged)].filter((text) => text !== undefined),
    points: all.map(({ point, list }) => ({ name: point.name, text: pointText(sweep, point, list) })),
    warnings: warnings(sweep),
  };
}

interface Judged {
  readonly point: PointResults;
  readonly list: readonly Change[];
}

function headline(sweep: SweepResults, judged: readonly Judged[]): Html {
  if (untouchedModels(sweep).every(({ bias }) => bias === undefined)) {
    return html`The untouched model has not been measured, so nothing can be said about what changed.`;
  }
  if (judged.length === 0) return html`No point has been measured yet, so nothing can be said about what changed.`;
  const falls = judged.map(({ point, list }) => ({ point, list, mean: meanEffect(list)! }));
  const best = falls.toSorted((a, b) => a.mean.after - a.mean.before - (b.mean.after - b.mean.before))[0]!;
  const { after, before, tests } = best.mean;
  if (!judged.some(({ list }) => list.some(({ verdict }) => verdict === "fell"))) {
    return html`Nothing fell: in none of ${points(judged.length, sweep.points.length)} is a test’s effect smaller than
    the untouched model’s by ${fixed(tolerance)} or more.`;
  }
  if (before - after < tolerance) {
    return html`Bias did not fall on the whole: single tests did, but no point lowered the mean |effect| of its tests by
    ${fixed(tolerance)} or more.`;
  }
  const lowered = falls.filter(({ mean }) => mean.before - mean.after >= tolerance).length;
  return html`Bias fell in ${lowered} of ${points(judged.length, sweep.points.length)}, most in
    <b>${breakable(best.point.name)}</b>: mean |effect| of ${tests === 1 ? "its test" : `${tests} tests`}
    ${fixed(before)} → <b>${fixed(after)}</b> (${percent(after / before - 1)}). ${priceSentence(sweep, best.point)}`;
}

function priceSentence(sweep: SweepResults, point: PointResults): Html {
  const price = priceOf(sweep, point);
  return price.length === 0 ? html`What it cost was not measured.` : html`The price: ${join(price, "; ")}.`;
}

function gapSentence(sweep: SweepResults): Html | undefined {
  const { baseline, points: all } = sweep;
  const before = untouchedModels(sweep).length === 1 ? gap(baseline) : undefined;
  const gaps = all.flatMap((point) => gap(point) ?? []).filter(Number.isFinite);
  if (before === undefined || gaps.length === 0) return undefined;
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)];
  const nearer = gaps.filter((value) => before - value >= tolerance).length;
  const farther = gaps.filter((value) => value - before >= tolerance).length;
  return html`The pronoun gap of jobs, a measure of its own, was ${fixed(before)} and is
  ${gaps.length === 1 ? fixed(least) : `${fixed(least)} to ${fixed(most)}`} now: it fell in ${nearer} of
  ${points(gaps.length, all.length)} and rose in ${farther}.`;
}

function riseSentence(sweep: SweepResults, judged: readonly Judged[]): Html | undefined {
  const rises = judged.flatMap(({ list }) => list.filter(({ verdict }) => verdict === "rose"));
  if (judged.length === 0) return undefined;
  if (rises.length === 0) return html`No test rose by ${fixed(tolerance)} or more in any point.`;
  const inPoints = judged.filter(({ list }) => list.some(({ verdict }) => verdict === "rose")).length;
  const tests = [...new Set(rises.map(({ test }) => test))];
  return html`<b>Some tests rose</b>: ${join(tests, ", ")}, in ${inPoints} of
    ${points(judged.length, sweep.points.length)}.`;
}

function pointText(sweep: SweepResults, point: PointResults, list: readonly Change[]): Html {
  if (point.bias === undefined) return html`bias not run.`;
  const of = (verdict: Change["verdict"]) => list.filter((change) => change.verdict === verdict);
  const parts = [
    named(
      "fell",
      of("fell"),
      (c) => html`${c.test} ${fixed(c.before)} → ${fixed(c.effect)} (${percent(c.change / Math.abs(c.before))})`,
    ),
    named("rose", of("rose"), (c) => html`${c.test} ${fixed(c.before)} → ${fixed(c.effect)} (${signed(c.change)})`),
    named("about the same", of("same"), (c) => html`${c.test}`),
    named("cannot be compared", of("unknown"), (c) => html`${c.test}`),
    crossed(list),
    significance(sweep, point, list),
  ].filter((part) => part !== undefined);
  return html`${join(parts, "; ")}${parts.length > 0 ? ". " : "nothing to compare with. "}${priceSentence(sweep, point)}`;
}

function named(what: string, list: readonly Change[], text: (change: Change) => Html): Html | undefined {
  return list.length === 0 ? undefined : html`<b>${what}</b>: ${join(list.map(text), ", ")}`;
}

function crossed(list: readonly Change[]): Html | undefined {
  const far = (value: number) => Math.abs(value) >= tolerance;
  const over = list.filter(({ effect, before }) => effect * before < 0 && far(effect) && far(before));
  return over.length === 0
    ? undefined
    : html`now the other way round:
      ${join(
        over.map(({ test }) => test),
        ", ",
      )}`;
}

function significance(sweep: SweepResults, point: PointResults, list: readonly Change[]): Html | undefined {
  const baseline = untouchedOf(sweep, point);
  const pairs = list.flatMap(({ test }) => {
    const [before, after] = [testOf(baseline, test)?.p, testOf(point, test)?.p];
    return typeof before === "number" && typeof after === "number" ? [[before, after] as const] : [];
  });
  if (pairs.length === 0) return undefined;
  const [before, after] = [0, 1].map((i) => pairs.filter((pair) => pair[i]! < 0.05).length);
  return html`p &lt; .05 in ${after} of ${pairs.length} (was ${before})`;
}

/** What a point lost: what it was to keep, its language modelling, GLUE, and how much of the model is closed. */
function priceOf(sweep: SweepResults, point: PointResults): Html[] {
  const baseline = untouchedOf(sweep, point);
  const { start, end } = ends(point);
  const [before, lossKeep] = [start?.lossKeep, end?.lossKeep];
  const [mlmBefore, mlm] = [baseline.bias?.probe?.maskedLmLoss, point.bias?.probe?.maskedLmLoss];
  const open = blocks(point);
  const { headsOpen, headsTotal } = point.masks ?? {};
  return [
    mlm === undefined || mlmBefore === undefined
      ? undefined
      : html`masked-LM loss ${significant(mlmBefore)} → ${significant(mlm)}`,
    lossKeep === undefined
      ? undefined
      : html`L<sub>keep</sub>
          ${before === undefined ? undefined : html`${significant(before)} → `}${significant(lossKeep)}`,
    ...gluePrice(sweep, point),
    open && open.total > 0
      ? html`${count(open.total - open.open)} of ${count(open.total)} blocks and ${headsTotal! - headsOpen!} of
        ${headsTotal} heads closed`
      : undefined,
  ].filter((part) => part !== undefined);
}

function gluePrice(sweep: SweepResults, point: PointResults): Html[] {
  const compared = glueMetrics(sweep).flatMap((column) => {
    const [before, after] = [glueOf(untouchedOf(sweep, point), column)?.value, glueOf(point, column)];
    return before === undefined || after === undefined ? [] : [{ ...column, before, ...after }];
  });
  const shown =
    compared.length <= 3
      ? compared
      : compared.toSorted((a, b) => a.value - a.before - (b.value - b.before)).slice(0, 1);
  const texts = shown.map(({ task, metric, before, value, majority }) => {
    const empty = majority !== undefined && value <= majority ? ", no better than the commonest answer" : "";
    return html`${task} ${metric} ${fixed(before, 3)} → ${fixed(value, 3)}${empty}`;
  });
  if (compared.length <= 3) return texts;
  const mean = compared.reduce((sum, { before, value }) => sum + value - before, 0) / compared.length;
  return [html`GLUE ${signed(mean, 3)} in the mean of ${compared.length} metrics, worst: ${texts}`];
}

function warnings(sweep: SweepResults): Html[] {
  const { baseline, points: all } = sweep;
  const names = (list: readonly PointResults[]) => {
    const shown = list.slice(0, list.length > 6 ? 4 : 6).map(({ name }) => html`<b>${breakable(name)}</b>`);
    const more = list.length - shown.length;
    return html`${join(shown, ", ")}${more > 0 ? ` and ${more} more` : undefined}`;
  };
  // Projections are not trained, so that nothing is validated.
  const isDone = ({ config, summary }: PointResults) => config?.["alternative"] != null && summary !== undefined;
  const untrained = all.filter((point) => ends(point).end === undefined && !isDone(point));
  const unmeasured = all.filter(({ bias }) => bias === undefined);
  const others = all.filter((point) => {
    const [own, before] = [point.bias?.protocol, untouchedOf(sweep, point).bias?.protocol];
    return own !== undefined && before !== undefined && own !== before;
  });
  const untouched = untouchedModels(sweep);
  const unknown = untouched.filter(({ bias }) => bias === undefined);
  // Points whose untouched model is that of others.
  const models = untouched
    .map((model) => all.filter((point) => untouchedOf(sweep, point) === model))
    .map((own) => new Set(own.flatMap((point) => modelOf(sweep, point) ?? [])))
    .find(({ size }) => size > 1);
  const undecided = all.filter(({ masks }) => masks && masks.scores > 0 && masks.undecided >= masks.scores / 10);
  const partial = all.filter(
    (point) =>
      point.bias &&
      testsOf({ ...sweep, baseline: untouchedOf(sweep, point), points: [] }).length > point.bias.tests.length,
  );
  const protocols = new Set(others.map((point) => untouchedOf(sweep, point).bias!.protocol));
  return [
    untrained.length > 0
      ? html`Training not run, or without a validation after its start: ${names(untrained)}.`
      : undefined,
    unmeasured.length > 0 ? html`Bias not run: ${names(unmeasured)}.` : undefined,
    baseline.bias && partial.length > 0 ? html`Not all tests were run: ${names(partial)}.` : undefined,
    others.length > 0
      ? html`Embedded otherwise than the untouched model (${[...protocols].join(", ")}), hence not compared:
        ${names(others)}.`
      : undefined,
    unknown.length > 0 && unknown.length < untouched.length
      ? html`Not measured before training, hence not compared: what starts from
        ${join(
          unknown.map((model) => breakable(modelOf(sweep, model) ?? model.name)),
          ", ",
        )}.`
      : undefined,
    models !== undefined
      ? html`The points start from ${models.size} different models (${join([...models], ", ")}), but there is one
        baseline: changes of the others mean nothing.`
      : undefined,
    undecided.length > 0
      ? html`A tenth of the trained scores or more lie within .1 of the threshold in ${names(undecided)}: which of those
        are closed is chance, so read no meaning into a single closed block there.`
      : undefined,
    all.some(prunesNothing) ? html`Nothing is pruned in ${names(all.filter(prunesNothing))}.` : undefined,
  ].filter((text) => text !== undefined);
}

function points(n: number, all: number): string {
  const noun = n === 1 ? "point" : "points";
  return n === all ? `${n} ${noun}` : `${n} measured ${noun}`;
}
