import {
  blocks,
  changes,
  density,
  ends,
  gap,
  type GlueMetric,
  glueMetrics,
  glueOf,
  measuredOf,
  modelOf,
  numberOf,
  prunesNothing,
  testOf,
  testsOf,
  tolerance,
  untouchedModels,
  untouchedOf,
} from "./compare.ts";
import { count, duration, fixed, probability, signed, significant } from "./format.ts";
import { breakable, type Html, html, raw } from "./html.ts";
import type { PointResults, StoredBias, SweepResults } from "./results.ts";

interface Column {
  readonly group: string;
  readonly title: Html;
  readonly cell: (point: PointResults) => Html;
  /** What the column is sorted by. */
  readonly value: (point: PointResults) => number | undefined;
}

/** All points, the untouched model first, and all that was measured of them. */
export function pointsTable(sweep: SweepResults): Html {
  const models = untouchedModels(sweep);
  const columns = [
    ...biasColumns(sweep),
    ...languageModelColumns(sweep),
    ...glueColumns(sweep),
    ...lossColumns(sweep),
    ...maskColumns(sweep),
    ...runColumns(sweep),
  ];
  const groups = [...new Set(columns.map(({ group }) => group))].map((group) => {
    const own = columns.filter((column) => column.group === group).length;
    return html`<th scope="colgroup" colspan="${own}">${group}</th>`;
  });
  const row = (point: PointResults) => {
    const cells = columns.map(({ cell, value }) => sortable(cell(point), value(point)));
    const index = numberOf(sweep, point);
    if (models.includes(point)) {
      const what = models.length === 1 ? "untouched model" : html`untouched ${breakable(modelOf(sweep, point) ?? "")}`;
      return html`<tr class="baseline">
        <td class="number">${index}</td>
        <th scope="row">baseline<small>${what}</small></th>
        ${cells}
      </tr> `;
    }
    const beside =
      models.length === 1 ? undefined : html`<small>beside ${numberOf(sweep, untouchedOf(sweep, point))}</small>`;
    return html`<tr data-n="${index}" data-text="${searched(point)}">
      <td class="number" data-v="${index}">
        <label
          ><input
            type="checkbox"
            data-p="${index}"
            aria-label="let point ${index} stand out in the curves"
          />${index}</label
        >
      </td>
      <th scope="row" data-v="${point.name}"><a href="#point-${index}">${breakable(point.name)}</a>${beside}</th>
      ${cells}
    </tr> `;
  };
  return html`<p class="muted" id="points-note">
      Under a SEAT effect: p, and the change of |effect| against the untouched model (▼ fell, ▲ rose, ≈ by less than
      ${fixed(tolerance)}). ${probed(sweep) ? "Gap: (P(he) − P(she)) / (P(he) + P(she)). " : undefined} Losses at the
      end are those of the model that is kept, under them the value before training. Under a GLUE metric: the change;
      majority is what the commonest answer would give.
    </p>
    <p class="tools">
      <label>Filter <input type="search" id="filter" placeholder="words of a name or setting" /></label>
      <span id="shown" role="status">${sweep.points.length} points</span>
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of points">
      <table class="points" aria-describedby="points-note">
        <caption class="hidden">
          All points, ${models.length === 1 ? "the untouched model" : "untouched models"} first
        </caption>
        <thead>
          <tr class="groups">
            <td colspan="2"></td>
            ${groups}
          </tr>
          <tr>
            <th scope="col"><button type="button">#</button></th>
            <th scope="col"><button type="button">point</button></th>
            ${columns.map(({ title }) => html`<th scope="col"><button type="button">${title}</button></th>`)}
          </tr>
        </thead>
        <tbody>
          ${measuredOf(sweep).map(row)}
        </tbody>
      </table>
    </div>`;
}

function biasColumns(sweep: SweepResults): Column[] {
  const tests = testsOf(sweep).map((test): Column => ({
    group: "SEAT effect",
    title: html`${test}`,
    cell: (point) => seatCell(sweep, point, test),
    value: (point) => absolute(testOf(point, test)?.effectSize),
  }));
  if (!probed(sweep)) return tests;
  const probe: Column[] = [
    {
      ...{ group: "Pronoun probe", title: html`gap of men’s / women’s jobs` },
      ...{ cell: (point) => gapCell(sweep, point), value: gap },
    },
    {
      ...{ group: "Pronoun probe", title: html`masked-LM loss`, cell: (point) => mlmCell(sweep, point) },
      value: ({ bias }) => bias?.probe?.maskedLmLoss,
    },
  ];
  return [...tests, ...probe];
}

/** StereoSet's stereotype score, 50 where it takes neither side, and CrowS-Pairs' metric, where they were run. */
function languageModelColumns(sweep: SweepResults): Column[] {
  const column = (
    group: string,
    title: Html,
    of: (bias: StoredBias) => number | undefined,
    ideal: number | undefined,
  ): Column => {
    const value = ({ bias }: PointResults) => bias && of(bias);
    return {
      group,
      title,
      value,
      cell: (point) =>
        rateCell(value(point), isUntouched(sweep, point) ? undefined : value(untouchedOf(sweep, point)), ideal),
    };
  };
  const rate = (key: "ss" | "lm" | "icat") => (bias: StoredBias) => bias.stereoset?.rates["overall"]?.[key];
  const stereoset = [
    column("StereoSet", html`SS`, rate("ss"), 50),
    column("StereoSet", html`LM`, rate("lm"), undefined),
    column("StereoSet", html`ICAT`, rate("icat"), undefined),
  ];
  const crows = [column("CrowS-Pairs", html`metric`, (bias) => bias.crows?.metric, 50)];
  return [...stereoset, ...crows].filter(({ value }) => measuredOf(sweep).some((point) => value(point) !== undefined));
}

/** A rate in percent, with its change, or where there is an ideal how much nearer to it. */
function rateCell(value: number | undefined, before: number | undefined, ideal: number | undefined): Html {
  if (value === undefined) return notRun;
  if (before === undefined) return html`<td>${fixed(value, 1)}</td>`;
  const change = ideal === undefined ? value - before : Math.abs(value - ideal) - Math.abs(before - ideal);
  const verdict = ideal === undefined || Math.abs(change) < 1 ? "same" : change < 0 ? "fell" : "rose";
  return html`<td>
    ${fixed(value, 1)}<small class="${verdict}"
      >${ideal === undefined ? "" : glyph[verdict]} ${signed(change, 1)}</small
    >
  </td>`;
}

const probed = (sweep: SweepResults): boolean => measuredOf(sweep).some(({ bias }) => bias?.probe);

const isUntouched = (sweep: SweepResults, point: PointResults): boolean => untouchedOf(sweep, point) === point;

function seatCell(sweep: SweepResults, point: PointResults, test: string): Html {
  const result = testOf(point, test);
  if (result === undefined) return notRun;
  const change = changes(point, untouchedOf(sweep, point)).find((other) => other.test === test);
  const p = html`<small>${probability(result.p)}</small>`;
  if (isUntouched(sweep, point)) return html`<td>${fixed(result.effectSize)}${p}</td>`;
  if (change === undefined || change.verdict === "unknown") {
    return html`<td>${fixed(result.effectSize)}${p}<small>not comparable</small></td>`;
  }
  return html`<td>
    ${fixed(result.effectSize)}${p}<small class="${change.verdict}"
      >${glyph[change.verdict]} ${signed(change.change)}</small
    >
  </td>`;
}

function gapCell(sweep: SweepResults, point: PointResults): Html {
  const baseline = untouchedOf(sweep, point);
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

function mlmCell(sweep: SweepResults, point: PointResults): Html {
  const baseline = untouchedOf(sweep, point);
  const [loss, before] = [point.bias?.probe?.maskedLmLoss, baseline.bias?.probe?.maskedLmLoss];
  if (loss === undefined) return notRun;
  if (before === undefined || point === baseline) return html`<td>${significant(loss)}</td>`;
  return html`<td>${significant(loss)}<small>${signed(loss - before)}</small></td>`;
}

function glueColumns(sweep: SweepResults): Column[] {
  return glueMetrics(sweep).map((column) => {
    const all = measuredOf(sweep).flatMap((point) => glueOf(point, column)?.majority ?? []);
    const majority = new Set(all).size === 1 ? html`<small>majority ${fixed(all[0]!, 3)}</small>` : undefined;
    return {
      group: "GLUE dev",
      title: html`${column.task}<small>${column.metric}</small>${majority}`,
      cell: (point) => glueCell(sweep, point, column, majority === undefined),
      value: (point) => glueOf(point, column)?.value,
    };
  });
}

function glueCell(sweep: SweepResults, point: PointResults, column: GlueMetric, withMajority: boolean): Html {
  const baseline = untouchedOf(sweep, point);
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
  const { runs, deviation } = result;
  const apart = deviation === undefined ? undefined : html`<small>± ${fixed(deviation, 3)}</small>`;
  const seeds = runs.map(({ seed }) => seed).toSorted((a, b) => a - b);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  return html`<td
    title="${runs.length > 1 ? "median of seeds" : "seed"} ${seeds.join(", ")}, ${runs[0]!.epochs} epochs, ${duration(seconds)}"
  >
    ${fixed(result.value, 3)}${change}${apart}${majority}
  </td>`;
}

function lossColumns(sweep: SweepResults): Column[] {
  const titles = { lossDebias: html`L<sub>debias</sub>`, lossKeep: html`L<sub>keep</sub>`, loss: html`total` };
  return (Object.keys(titles) as (keyof typeof titles)[]).map((key) => ({
    group: "Validation, at the end",
    title: titles[key],
    value: (point) => ends(point).end?.[key],
    cell: (point) => {
      const { start, end } = ends(point);
      if (isUntouched(sweep, point)) return none;
      if (end === undefined) return notRun;
      const [before, after] = [start?.[key], end[key]];
      // Of another method than the debiasing loss.
      if (after === undefined) return none;
      return html`<td>
        ${significant(after)}<small
          >${before === undefined ? "start not run" : html`from ${significant(before)}`}</small
        >
      </td>`;
    },
  }));
}

const maskColumns = (sweep: SweepResults): readonly Column[] => [
  maskColumn(
    sweep,
    html`open blocks`,
    (point) => blocks(point)?.open,
    (point) => {
      const { open, total } = blocks(point)!;
      return html`<td>${count(open)}<small>of ${count(total)}</small></td>`;
    },
  ),
  maskColumn(sweep, html`density`, density, (point) => html`<td>${fixed(density(point) ?? 1)}</td>`),
  maskColumn(
    sweep,
    html`undecided`,
    ({ masks }) => masks?.undecided,
    ({ masks }) => html`<td>${count(masks!.undecided)}<small>of ${count(masks!.scores)}</small></td>`,
  ),
  maskColumn(
    sweep,
    html`heads open`,
    ({ masks }) => masks?.headsOpen,
    ({ masks }) => html`<td>${count(masks!.headsOpen)}<small>of ${count(masks!.headsTotal)}</small></td>`,
  ),
];

function maskColumn(
  sweep: SweepResults,
  title: Html,
  value: Column["value"],
  cell: (point: PointResults) => Html,
): Column {
  return {
    ...{ group: "Masks", title, value },
    cell: (point) => (point.masks ? cell(point) : isUntouched(sweep, point) || prunesNothing(point) ? none : notRun),
  };
}

const runColumns = (sweep: SweepResults): readonly Column[] => [
  runColumn(sweep, html`steps`, "steps", ({ steps }) => html`<td>${count(steps)}</td>`),
  runColumn(
    sweep,
    html`time`,
    "seconds",
    ({ seconds, tokensPerSecond }) =>
      html`<td class="wide">${duration(seconds)}<small>${significant(tokensPerSecond)} tokens/s</small></td>`,
  ),
];

type Summary = NonNullable<PointResults["summary"]>;

function runColumn(
  sweep: SweepResults,
  title: Html,
  key: "steps" | "seconds",
  cell: (summary: Summary) => Html,
): Column {
  return {
    ...{ group: "Training", title, value: ({ summary }) => summary?.[key] },
    cell: (point) => (point.summary ? cell(point.summary) : isUntouched(sweep, point) ? none : notRun),
  };
}

/** A cell that says what it is sorted by. */
const sortable = (cell: Html, value: number | undefined): Html =>
  value === undefined || !Number.isFinite(value)
    ? cell
    : raw(cell.html.replace("<td", `<td data-v="${Number(value.toPrecision(6))}"`));

const absolute = (value: number | undefined) => value && Math.abs(value);

/** What the filter looks in: the name, and the settings that are not the same everywhere stand in it. */
const searched = ({ name, config }: PointResults): string =>
  [name, config?.["experiment"], config?.["exp_name"]]
    .filter((text) => typeof text === "string")
    .join(" ")
    .toLowerCase();

const glyph = { fell: "▼", rose: "▲", same: "≈" } as const;
const notRun = html`<td class="missing">not run</td>`;
const none = html`<td class="missing"><span aria-label="does not apply">–</span></td>`;
