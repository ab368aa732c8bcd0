import { blocks, measuredOf, modelOf, prunesNothing, testsOf, tolerance, untouchedModels } from "./compare.ts";
import { blocksData } from "./blocks-data.ts";
import { curves, trainingLoss } from "./curves.ts";
import { densityTable } from "./densities.ts";
import { fixed } from "./format.ts";
import { headChanges, headSets } from "./head-effects.ts";
import { headsGrids, headsLegend, headsPicture } from "./heads.ts";
import { breakable, type Html, html, join } from "./html.ts";
import { masksSection } from "./masks-section.ts";
import { overlays } from "./overlays.ts";
import { page } from "./page.ts";
import { pointsTable } from "./points-table.ts";
import { rerunCommand, rerunSweepCommand } from "./rerun.ts";
import { resultsCsv } from "./results-csv.ts";
import { resultsTex } from "./results-tex.ts";
import type { PointResults, SweepResults } from "./results.ts";
import { differing, settingsOf, shared } from "./settings.ts";
import { summarise, type Summary } from "./summary.ts";
import { table } from "./table.ts";
import { tradeOffs } from "./trade-off.ts";

/**
 * A sweep's results as one HTML page that needs nothing beside itself, as CSV with a row for each point, and as LaTeX.
 *
 * The same results give the same bytes; all that is said is computed from them.
 */
export async function report(sweep: SweepResults): Promise<{ html: string; csv: string; tex: string }> {
  const summary = summarise(sweep);
  const sections = await Promise.all(
    sweep.points.map((point, index) => pointSection(sweep, point, index + 1, summary.points[index]!.text)),
  );
  const body = html`${summarySection(sweep, summary, await tradeOffs(sweep))}
    <section id="points">
      <h2>Points</h2>
      ${pointsTable(sweep)}
    </section>
    ${sweep.points.length > 1 ? await masksSection(sweep) : undefined} ${whereSection(sweep)}
    ${sweep.points.length > 1 ? await overlays(sweep) : undefined}
    <section id="curves" class="${sweep.points.length > MOST_DRAWN ? "many" : ""}">
      <h2>Point by point</h2>
      ${howToRead}
      <p class="muted">Heads: ${headsLegend}</p>
      ${headsGrids(sweep.points.flatMap(({ masks }) => masks ?? []))} ${sections}
    </section>
    ${settingsSection(sweep)}`;
  return { html: page(sweep.sweep, html`${body}${blocksData(sweep)}`), csv: resultsCsv(sweep), tex: resultsTex(sweep) };
}

function summarySection(sweep: SweepResults, summary: Summary, pictures: readonly Html[]): Html {
  const protocol = sweep.baseline.bias?.protocol;
  const kinds = new Set(
    measuredOf(sweep).flatMap(({ bias }) => bias?.tests.flatMap(({ p, pKind }) => (p === null ? [] : pKind)) ?? []),
  );
  const n = sweep.points.length;
  const models = untouchedModels(sweep).length;
  const what = html`${n} ${n === 1 ? "point" : "points"} beside
  ${models === 1 ? "the untouched model" : `${models} untouched models`}; ${testsOf(sweep).length} SEAT
  tests${protocol && html`, embedding: ${protocol}`}${kinds.size > 0 ? html`, p: ${join([...kinds], ", ")}` : undefined}.`;
  return html`<section id="summary">
    <h2>Summary</h2>
    <div class="lead">
      <div>
        <p class="headline">${summary.headline}</p>
        ${summary.sentences.map((sentence) => html`<p>${sentence}</p>`)}
        <p class="muted">
          ${what} An effect of 0 is no bias, whichever its sign, so “fell” means nearer to 0 by ${fixed(tolerance)} or
          more.
        </p>
      </div>
      ${pictures.length > 0 ? html`<div class="trades">${pictures}</div>` : undefined}
    </div>
    ${
      summary.warnings.length > 0
        ? html`<ul class="warnings">
            ${summary.warnings.map((text) => html`<li>${text}</li>`)}
          </ul>`
        : undefined
    }
  </section>`;
}

const howToRead = html`<p class="muted">
  Curves are validations: evaluation mode, mask at the final threshold. Before the last step training works at a smaller
  threshold than that, so a validation in between can show more closed blocks, and a higher L<sub>keep</sub>, than
  training has; only the last one shows the model that comes out. Training losses are not drawn: they show almost
  nothing where dropout gives L<sub>keep</sub> a floor. L<sub>keep</sub> and SEAT have the same axes in all points;
  L<sub>debias</sub> has not, as its unit depends on layer, mode and form of the loss.
</p>`;

/** Beyond so many points their curves stand together alone, and densities where a layer is picked: a page must open at once. */
const MOST_DRAWN = 24;

async function pointSection(sweep: SweepResults, point: PointResults, number: number, text: Html): Promise<Html> {
  const settings = settingsOf(point);
  const own = differing(sweep.points).map((path) => html`${path} = <b>${settings.get(path) ?? "not set"}</b>`);
  return html`<article id="point-${number}">
    <h3><span class="number">${number}</span> ${breakable(point.name)}</h3>
    ${own.length > 0 && point.config ? html`<p class="settings">${join(own, " · ")}</p>` : undefined}
    <p>${text}</p>
    ${sweep.points.length > MOST_DRAWN ? undefined : await curves(sweep, point)} ${masksPart(sweep, point, number)}
    <p class="muted">${trainingLoss(point)}</p>
  </article>`;
}

function whereSection(sweep: SweepResults): Html | undefined {
  const models = untouchedModels(sweep);
  const parts = models.flatMap((model) => {
    const { where } = model;
    const name = models.length === 1 ? undefined : html`<h3>${breakable(modelOf(sweep, model) ?? model.name)}</h3>`;
    return where === undefined
      ? []
      : html`${name}
          <div class="lead wide">${headChanges(where)} ${headSets(where, "the untouched model")}</div>`;
  });
  if (parts.length === 0) return undefined;
  return html`<section id="where">
    <h2>Where the untouched model${models.length === 1 ? "’s bias sits" : "s’ bias sits"}</h2>
    ${parts}
  </section>`;
}

function masksPart(sweep: SweepResults, point: PointResults, number: number): Html {
  const { masks } = point;
  const drawn = sweep.points.length <= MOST_DRAWN || undefined;
  if (masks === undefined) {
    return html`<p class="missing">${prunesNothing(point) ? "Nothing is pruned: no masks." : "Masks: not run."}</p>
      ${point.where && html`<div class="masks">${drawn && headChanges(point.where)} ${headSets(point.where, point.name)}</div>`}`;
  }
  const { open, total } = blocks(point)!;
  const layers = [...new Set(masks.modules.flatMap(({ layer, mask }) => (mask === undefined ? [] : layer)))];
  return html`<div class="masks" data-p="${number}">
    <figure>
      <figcaption>Heads (across) by layers (down): ${masks.headsOpen} of ${masks.headsTotal} open</figcaption>
      ${headsPicture(masks)}
      ${
        layers.length > 0
          ? html`<p class="layers">
              Blocks of layer
              ${layers.map((layer) => html`<button type="button" data-layer="${layer}">${layer}</button>`)}
            </p>`
          : undefined
      }
    </figure>
    ${drawn && point.where && headChanges(point.where)}
    ${open === total ? html`<p class="muted">Every block is open.</p>` : drawn && densityTable(masks, point.name)}
    ${point.where && headSets(point.where, point.name)}
    <div class="blocks" aria-live="polite"></div>
  </div>`;
}

function settingsSection({ sweep, points }: SweepResults): Html {
  const paths = differing(points);
  const common = shared(points);
  const rows = points.map((point, index) => {
    const settings = settingsOf(point);
    const cells = paths.map((path) =>
      point.config ? html`<td>${settings.get(path) ?? "not set"}</td>` : html`<td class="missing">not run</td>`,
    );
    return html`<tr>
      <td class="number">${index + 1}</td>
      <th scope="row">${breakable(point.name)}</th>
      ${cells}
    </tr>`;
  });
  return html`<section id="settings">
    <h2>Settings, and how to run a point again</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of settings">
      ${table({
        kind: "plain",
        caption: "Settings in which the points differ",
        headings: ["#", "point", ...paths.map(breakable)],
        rows,
      })}
    </div>
    <h3>Run again</h3>
    <dl class="commands">
      <dt>What is missing of the sweep: its points, bias tests and GLUE tasks</dt>
      <dd><code>${rerunSweepCommand(sweep)}</code></dd>
      ${points.map((point, index) => {
        const command = rerunCommand(point);
        return html`<dt>${index + 1}. ${breakable(point.name)}</dt>
          <dd>
            ${command === undefined ? html`<span class="missing">not run: settings unknown</span>` : html`<code>${command}</code>`}
          </dd>`;
      })}
    </dl>
    ${
      common.length > 0
        ? html`<details>
            <summary>${common.length} settings that all points share</summary>
            <table class="plain">
              <caption class="hidden">
                Settings that all points share
              </caption>
              <tbody>
                ${common.map(
                  ([path, value]) =>
                    html`<tr>
                      <th scope="row">${path}</th>
                      <td>${value}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </details>`
        : undefined
    }
  </section>`;
}
