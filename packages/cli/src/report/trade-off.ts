import { trades } from "./charts.ts";
import { ends, measuredOf } from "./compare.ts";
import { fixed, significant } from "./format.ts";
import { type Html, html } from "./html.ts";
import { againstGlue, type TradeOff, tradeOff } from "./pareto.ts";
import type { PointResults, SweepResults } from "./results.ts";
import { draw } from "./svg.ts";

/** Mean |SEAT effect| against GLUE, and against a price: masked-LM loss where it is known, else L_keep. */
export async function tradeOffs(sweep: SweepResults): Promise<Html[]> {
  const measured = measuredOf(sweep).filter(({ bias }) => bias !== undefined);
  const languageModel = measured.length > 0 && measured.every(({ bias }) => bias?.probe !== undefined);
  const price = (point: PointResults) =>
    languageModel ? point.bias?.probe?.maskedLmLoss : !sweep.points.includes(point) ? 0 : ends(point).end?.lossKeep;
  const figures = [
    await figure(againstGlue(sweep), {
      ...{ spoken: "GLUE", name: html`the mean of the GLUE tasks’ scores` },
      better: "Lower is less biased, further right is more capable",
    }),
    await figure(tradeOff(sweep, price, { higherIsBetter: false }), {
      ...{ spoken: "price", name: languageModel ? html`masked-LM loss` : html`L<sub>keep</sub> at the end` },
      better: "Lower is less biased, further left is cheaper",
    }),
  ];
  return figures.filter((drawn) => drawn !== undefined);
}

interface Axis {
  readonly spoken: string;
  readonly name: Html;
  readonly better: string;
}

async function figure({ values, front }: TradeOff, { spoken, name, better }: Axis): Promise<Html | undefined> {
  if (values.length < 2) return undefined;
  const label = values.map((value) => `point ${value.label}: ${fixed(value.y)} at ${significant(value.x)}`).join("; ");
  const numbers = front.map((value) => value.label).join(", ");
  return html`<figure class="trade">
    <figcaption>
      <b>Bias against ${spoken}.</b> Mean |SEAT effect| (upwards) over ${name} (to the right); numbers as in the table,
      ${values.some(({ label }) => label.startsWith("0.")) ? "0.1, 0.2, … untouched models" : "0 the untouched model"}.
      ${better}. Dashed: the Pareto front, ${numbers}, which no other point betters in both.
    </figcaption>
    ${await draw(trades(values, front), `Mean absolute SEAT effect over ${spoken}. ${label}. Pareto front: ${numbers}`)}
  </figure>`;
}
