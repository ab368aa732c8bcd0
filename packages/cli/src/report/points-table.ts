import {
  blocks,
  changes,
  ends,
  gap,
  type GlueMetric,
  glueMetrics,
  glueOf,
  prunesNothing,
  testOf,
  testsOf,
  tolerance,
} from "./compare.ts";
import { count, duration, fixed, probability, signed, significant } from "./format.ts";
import { breakable, type Html, html } from "./html.ts";
import type { PointResults, SweepResults } from "./results.ts";

interface Column {
  readonly group: string;
  readonly title: Html;
  readonly cell: (point: PointResults) => Html;
}

/** All points, the untouched model first, and all that was measured of them. */
export function pointsTable(sweep: SweepResults): Html {
  const columns = [...biasColumns(sweep), ...glueColumns(sweep), ...lossColumns(sweep), ...maskColumns, ...runColumns];
  const groups = [...new Set(columns.map(({ group }) => group))].map((group) => {
    const own = columns.filter((column) => column.group === group).length;
    return html`<th scope="colgroup" colspan="${own}">${group}</th>`;
  });
  const row = (point: PointResults, index: number) =>
    html`<tr${index === 0 ? html` class="baseline"` : ""}><td class="number">${index}</td><th scope="row">${
      index === 0
        ? html`baseline<small>untouched model</small>`
        : html`<a href="#point-${index}">${breakable(point.name)}</a>`
    }</th>${columns.map(({ cell }) => cell(point))}</tr>\n`;
  return html`<p class="muted" id="points-note">
      Under a SEAT effect: p, and the change of |effect| against the untouched model (▼ fell, ▲ rose, ≈ by less than
      ${fixed(tolerance)}). ${probed(sweep) ? "Gap: (P(he) − P(she)) / (P(he) + P(she)). " : undefined} Under a loss:
      its value before training. Under a GLUE metric: the change; majority is what the commonest answer would give.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of points">
      <table class="points" aria-describedby="points-note">
        <caption class="hidden">
          All points, the untouched model first
        </caption>
        <thead>
          <tr class="groups">
            <td colspan="2"></td>
            ${groups}
          </tr>
          <tr>
            <th scope="col">#</th>
            <th scope="col">point</th>
            ${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${[sweep.baseline, ...sweep.points].map(row)}
        </tbody>
      </table>
    </div>`;
}

function biasColumns(sweep: SweepResults): Column[] {
  const tests = testsOf(sweep).map((test): Column => ({
    group: "SEAT effect",
    title: html`${test}`,
    cell: (point) => seatCell(sweep, point, test),
  }));
  if (!probed(sweep)) return tests;
  const probe: Column[] = [
    { group: "Pronoun probe", title: html`gap of men’s / women’s jobs`, cell: (point) => gapCell(sweep, point) },
    { group: "Pronoun probe", title: html`masked-LM loss`, cell: (point) => mlmCell(sweep, point) },
  ];
  return [...tests, ...probe];
}

const probed = ({ baseline, points }: SweepResults): boolean => [baseline, ...points].some(({ bias }) => bias?.probe);

function seatCell(sweep: SweepResults, point: PointResults, test: string): Html {
  const result = testOf(point, test);
  if (result === undefined) return notRun;
  const change = changes(point, sweep.baseline).find((other) => other.test === test);
  const p = html`<small>${probability(result.p)}</small>`;
  if (point === sweep.baseline) return html`<td>${fixed(result.effectSize)}${p}</td>`;
  if (change === undefined || change.verdict === "unknown") {
    return html`<td>${fixed(result.effectSize)}${p}<small>not comparable</small></td>`;
  }
  return html`<td>
    ${fixed(result.effectSize)}${p}<small class="${change.verdict}"
      >${glyph[change.verdict]} ${signed(change.change)}</small
    >
  </td>`;
}

function gapCell({ baseline }: SweepResults, point: PointResults): Html {
  const probe = point.bias?.probe;
  if (probe === undefined) return notRun;
  const change = point === baseline ? undefined : gap(point)! - (gap(baseline) ?? Number.NaN);
  const verdict =
    change === undefined || Number.isNaN(change)
      ? undefined
      : Math.abs(change) < tolerance
        ? "same"
        : change < 0
          ? "fell"
          : "rose";
  return html`<td class="wide">
    ${fixed(probe.gapMale)} /
    ${fixed(probe.gapFemale)}${verdict && html`<small class="${verdict}">${glyph[verdict]} ${signed(change!)}</small>`}
  </td>`;
}

function mlmCell({ baseline }: SweepResults, point: PointResults): Html {
  const [loss, before] = [point.bias?.probe?.maskedLmLoss, baseline.bias?.probe?.maskedLmLoss];
  if (loss === undefined) return notRun;
  if (before === undefined || point === baseline) return html`<td>${significant(loss)}</td>`;
  return html`<td>${significant(loss)}<small>${signed(loss - before)}</small></td>`;
}

function glueColumns(sweep: SweepResults): Column[] {
  return glueMetrics(sweep).map((column) => {
    const all = [sweep.baseline, ...sweep.points].flatMap((point) => glueOf(point, column)?.majority ?? []);
    const majority = new Set(all).size === 1 ? html`<small>majority ${fixed(all[0]!, 3)}</small>` : undefined;
    return {
      group: "GLUE dev",
      title: html`${column.task}<small>${column.metric}</small>${majority}`,
      cell: (point) => glueCell(sweep, point, column, majority === undefined),
    };
  });
}

function glueCell({ baseline }: SweepResults, point: PointResults, column: GlueMetric, withMajority: boolean): Html {
  const [result, before] = [glueOf(point, column), glueOf(baseline, column)];
  if (result === undefined) return notRun;
  const change =
    point === baseline || before === undefined
      ? undefined
      : html`<small>${signed(result.value - before.value, 3)}</small>`;
  const majority =
    result.majority === undefined || !withMajority
      ? undefined
      : html`<small>majority ${fixed(result.majority, 3)}</small>`;
  return html`<td title="seed ${result.run.seed}, ${result.run.epochs} epochs, ${duration(result.run.seconds)}">
    ${fixed(result.value, 3)}${change}${majority}
  </td>`;
}

function lossColumns({ baseline }: SweepResults): Column[] {
  const titles = { lossDebias: html`L<sub>debias</sub>`, lossKeep: html`L<sub>keep</sub>`, loss: html`total` };
  return (Object.keys(titles) as (keyof typeof titles)[]).map((key) => ({
    group: "Validation, at the end",
    title: titles[key],
    cell: (point) => {
      const { start, end } = ends(point);
      if (point === baseline) return none;
      if (end === undefined) return notRun;
      return html`<td>
        ${significant(end[key])}<small>${start ? html`from ${significant(start[key])}` : "start not run"}</small>
      </td>`;
    },
  }));
}

const maskColumns: readonly Column[] = [
  maskColumn(html`open blocks`, (point) => {
    const { open, total } = blocks(point)!;
    return html`<td>${count(open)}<small>of ${count(total)}</small></td>`;
  }),
  maskColumn(
    html`undecided`,
    ({ masks }) => html`<td>${count(masks!.undecided)}<small>of ${count(masks!.scores)}</small></td>`,
  ),
  maskColumn(
    html`heads open`,
    ({ masks }) => html`<td>${count(masks!.headsOpen)}<small>of ${count(masks!.headsTotal)}</small></td>`,
  ),
];

function maskColumn(title: Html, cell: (point: PointResults) => Html): Column {
  return {
    group: "Masks",
    title,
    cell: (point) => (point.masks ? cell(point) : point.name === "baseline" || prunesNothing(point) ? none : notRun),
  };
}

const runColumns: readonly Column[] = [
  runColumn(html`steps`, ({ steps }) => html`<td>${count(steps)}</td>`),
  runColumn(
    html`time`,
    ({ seconds, tokensPerSecond }) =>
      html`<td class="wide">${duration(seconds)}<small>${significant(tokensPerSecond)} tokens/s</small></td>`,
  ),
];

function runColumn(title: Html, cell: (summary: NonNullable<PointResults["summary"]>) => Html): Column {
  return {
    group: "Training",
    title,
    cell: ({ name, summary }) => (summary ? cell(summary) : name === "baseline" ? none : notRun),
  };
}

const glyph = { fell: "▼", rose: "▲", same: "≈" } as const;
const notRun = html`<td class="missing">not run</td>`;
const none = html`<td class="missing"><span aria-label="does not apply">–</span></td>`;
