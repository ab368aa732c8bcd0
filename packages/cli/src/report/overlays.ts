import { type Dot, overlay } from "./charts.ts";
import { testsOf } from "./compare.ts";
import { significant } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { PointResults, SweepResults, ValidationRow } from "./results.ts";
import { draw } from "./svg.ts";

interface Curve {
  readonly title: Html;
  readonly spoken: string;
  readonly value: (row: ValidationRow) => number | undefined;
}

/** Curves of all points in one picture for each number: losses, every SEAT test, gates and threshold. */
export async function overlays(sweep: SweepResults): Promise<Html | undefined> {
  const points = sweep.points.map((point, index) => ({ point, number: index + 1 }));
  const lastStep = Math.max(0, ...sweep.points.flatMap(({ validations }) => validations.map(({ step }) => step)));
  const curves: Curve[] = [
    { title: html`L<sub>debias</sub>`, spoken: "Debiasing loss", value: ({ lossDebias }) => lossDebias },
    { title: html`L<sub>keep</sub>`, spoken: "Keeping loss", value: ({ lossKeep }) => lossKeep },
    ...testsOf(sweep).map((test): Curve => ({
      title: html`SEAT: ${test}`,
      spoken: `SEAT effect of ${test}`,
      value: ({ seat }) => seat[test],
    })),
    { title: html`open gates`, spoken: "Open gates", value: ({ open }) => open },
    { title: html`undecided gates`, spoken: "Undecided gates", value: ({ undecided }) => undecided },
  ];
  const figures = await Promise.all(
    curves.map(async ({ title, spoken, value }) => {
      const dots = points.flatMap(({ point, number }) => dotsOf(point, number, value));
      if (dots.length === 0) return undefined;
      return html`<figure>
        <figcaption>${title}</figcaption>
        ${await draw(overlay(dots, { lastStep }), `${spoken} over steps, a line a point. ${ends(dots)}`)}
      </figure>`;
    }),
  );
  if (figures.every((figure) => figure === undefined)) return undefined;
  return html`<section id="all">
    <h2>Curves of all points</h2>
    <p class="muted">Validations, a line a point. Points that are ticked in the table stand out.</p>
    <div class="lead wide charts">${figures}</div>
  </section>`;
}

const dotsOf = (point: PointResults, series: number, value: Curve["value"]): Dot[] =>
  point.validations.flatMap((row) => {
    const y = value(row);
    return y === undefined ? [] : [{ step: row.step, value: y, series }];
  });

/** Where the lines end, from the lowest to the highest. */
function ends(dots: readonly Dot[]): string {
  const last = [...new Map(dots.map(({ series, value }) => [series, value])).values()].filter(Number.isFinite);
  if (last.length === 0) return "";
  return `At the end from ${significant(Math.min(...last))} to ${significant(Math.max(...last))}`;
}
