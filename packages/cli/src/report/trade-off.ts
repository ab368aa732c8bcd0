import { type Trade, trades } from "./charts.ts";
import { changes, ends, meanEffect } from "./compare.ts";
import { fixed, significant } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { PointResults, SweepResults } from "./results.ts";
import { draw } from "./svg.ts";

/** What each point reached over what it cost: masked-LM loss where it is known, else L_keep; nothing without two points. */
export async function tradeOff(sweep: SweepResults): Promise<Html | undefined> {
  const { baseline, points } = sweep;
  const measured = [baseline, ...points].filter(({ bias }) => bias !== undefined);
  const languageModel = measured.every(({ bias }) => bias?.probe !== undefined);
  const price = (point: PointResults) =>
    languageModel ? point.bias?.probe?.maskedLmLoss : point === baseline ? 0 : ends(point).end?.lossKeep;
  const values = [baseline, ...points].flatMap((point, index): Trade[] => {
    const [x, y] = [price(point), meanEffect(changes(point, baseline))];
    return x === undefined || y === undefined ? [] : [{ label: String(index), price: x, effect: y.after }];
  });
  if (values.length < 2) return undefined;
  const name = languageModel ? html`masked-LM loss` : html`L<sub>keep</sub>`;
  const label = values
    .map((value) => `point ${value.label}: mean effect ${fixed(value.effect)} at ${significant(value.price)}`)
    .join("; ");
  return html`<figure class="trade">
    <figcaption>
      <b>Bias and price.</b> Mean |SEAT effect| (upwards) over ${name} at the end (to the right); numbers as in the
      table, 0 the untouched model. Lower is less biased, further left is cheaper.
    </figcaption>
    ${await draw(trades(values), `Mean absolute SEAT effect over price. ${label}`)}
  </figure>`;
}
