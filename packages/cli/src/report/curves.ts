import { colour, dashes, type Dot, lines, styles } from "./charts.ts";
import { ends, testsOf } from "./compare.ts";
import { count, fixed, significant } from "./format.ts";
import { type Html, html, join } from "./html.ts";
import type { PointResults, SweepResults, ValidationRow } from "./results.ts";
import { draw } from "./svg.ts";

interface Series {
  readonly name: string;
  readonly value: (row: ValidationRow) => number | undefined;
}

/** A point's validations over steps: both losses, every SEAT test, open and undecided blocks. */
export async function curves(sweep: SweepResults, point: PointResults): Promise<Html> {
  if (point.validations.length === 0) {
    const why = point.summary === undefined ? "Training not run" : "No validations while training";
    return html`<p class="missing">${why}: no curves.</p>`;
  }
  const shared = (series: readonly Series[]) => domainOf(sweep.points, series);
  const seat = testsOf(sweep).map((test): Series => ({ name: test, value: (row) => row.seat[test] }));
  if (point.validations.some(({ maskedLmLoss }) => maskedLmLoss !== undefined)) {
    const own = [
      figure(sweep, point, html`Masked-LM loss`, maskedLm, shared(maskedLm)),
      figure(sweep, point, html`SEAT effect`, seat, shared(seat)),
    ];
    return html`<div class="charts">${await Promise.all(own)}</div>`;
  }
  const figures = [
    figure(sweep, point, html`L<sub>debias</sub>`, [{ name: "debiasing loss", value: (row) => row.lossDebias }]),
    figure(sweep, point, html`L<sub>keep</sub>`, keep, shared(keep)),
    figure(sweep, point, html`SEAT effect`, seat, shared(seat)),
    figure(sweep, point, html`Blocks`, blocks),
    figure(sweep, point, html`Threshold`, [
      { name: "threshold", value: ({ threshold, current }) => current?.threshold ?? threshold },
    ]),
  ];
  return html`<div class="charts">${await Promise.all(figures)}</div>
    ${kept(point)}`;
}

/** Where the curves do not end with the model that is kept. */
function kept(point: PointResults): Html | undefined {
  const { end } = ends(point);
  if (end === undefined || end === point.validations.at(-1)) return undefined;
  const losses = [
    ...(end.lossDebias === undefined ? [] : [html`L<sub>debias</sub> ${significant(end.lossDebias)}`]),
    ...(end.lossKeep === undefined ? [] : [html`L<sub>keep</sub> ${significant(end.lossKeep)}`]),
    ...Object.entries(end.seat).map(([test, effect]) => html`${test} ${fixed(effect)}`),
  ];
  const which =
    end.kind === "settled"
      ? html`after its undecided gates were
        settled${end.changed === undefined ? undefined : html`, which changed ${count(end.changed)}`}`
      : html`of step ${count(end.step)}, the validation with the lowest loss`;
  return html`<p class="muted">The model that is kept is the one ${which}: ${join(losses, ", ")}.</p>`;
}

const maskedLm: readonly Series[] = [{ name: "masked-LM loss", value: (row) => row.maskedLmLoss }];
const keep: readonly Series[] = [{ name: "keeping loss", value: (row) => row.lossKeep }];
const blocks: readonly Series[] = [
  { name: "open", value: (row) => row.open },
  { name: "undecided", value: (row) => row.undecided },
  { name: "closed", value: (row) => row.closed },
];

async function figure(
  sweep: SweepResults,
  point: PointResults,
  title: Html,
  series: readonly Series[],
  domain?: readonly [number, number],
): Promise<Html> {
  const dots = series.flatMap(({ value }, index) =>
    point.validations.flatMap((row): Dot[] => {
      const y = value(row);
      return y === undefined ? [] : [{ step: row.step, value: y, series: index }];
    }),
  );
  if (dots.length === 0)
    return html`<figure>
      <figcaption>${title}</figcaption>
      <p class="missing">not run</p>
    </figure>`;
  const lastStep = Math.max(...sweep.points.flatMap(({ validations }) => validations.map(({ step }) => step)));
  const label = `${point.name}, validation over steps: ${series
    .map((one, index) =>
      spoken(
        one,
        dots.filter((dot) => dot.series === index),
      ),
    )
    .join("; ")}`;
  const svg = await draw(lines(dots, { lastStep, ...(domain && { domain }) }), label);
  return html`<figure>
    <figcaption>${title}${series.length > 1 ? legend(series) : undefined}</figcaption>
    ${svg}
  </figure>`;
}

function legend(series: readonly Series[]): Html {
  const item = ({ name }: Series, index: number) =>
    html`<span
      ><svg width="22" height="8" aria-hidden="true">
        <path
          d="M0 4h22"
          stroke="${colour(index)}"
          stroke-width="2"
          stroke-dasharray="${dashes[index % styles]!.join(" ")}"
        />
      </svg>
      ${name}</span
    >`;
  return html`<span class="legend">${series.map(item)}</span>`;
}

function spoken({ name }: Series, dots: readonly Dot[]): string {
  const [first, last] = [dots[0], dots.at(-1)];
  if (first === undefined || last === undefined) return `${name} not run`;
  const from = `${significant(first.value)} at step ${count(first.step)}`;
  return first === last
    ? `${name} ${from}`
    : `${name} from ${from} to ${significant(last.value)} at step ${count(last.step)}`;
}

/** The ends of a value over all points, 0 among them. */
function domainOf(points: readonly PointResults[], series: readonly Series[]): [number, number] {
  const values = points
    .flatMap(({ validations }) => validations.flatMap((row) => series.map(({ value }) => value(row) ?? 0)))
    .filter(Number.isFinite);
  const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 0]);
  return least === most ? [least, least + 1] : [least, most];
}

/** What the training loss did, which is little: dropout gives L_keep a floor. */
export function trainingLoss({ steps }: PointResults): Html | undefined {
  if (steps.length < 2) return undefined;
  const tenth = Math.max(1, Math.floor(steps.length / 10));
  const mean = (rows: typeof steps) => rows.reduce((sum, { loss }) => sum + loss, 0) / rows.length;
  const [first, last] = [mean(steps.slice(0, tenth)), mean(steps.slice(-tenth))];
  return html`Training loss, mean of the first and the last ${tenth === 1 ? "step" : `${count(tenth)} steps`}:
  ${significant(first)} → ${significant(last)}${first > 0 ? html` (×${fixed(last / first)})` : undefined}.`;
}
