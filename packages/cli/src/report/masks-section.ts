import { agreement } from "./agreement.ts";
import { type Cell, heat } from "./charts.ts";
import { fixed } from "./format.ts";
import { breakable, type Html, html } from "./html.ts";
import type { PointResults, SweepResults } from "./results.ts";
import { settingsOf } from "./settings.ts";
import { draw } from "./svg.ts";
import { table } from "./table.ts";

/** How many points a square of their agreement shows. */
const MOST = 30;

/** Where gates closed over all points, and whether points and seeds keep the same blocks; nothing where nothing is pruned. */
export async function masksSection(sweep: SweepResults): Promise<Html | undefined> {
  const parts = [await closedHeads(sweep), await agreements(sweep), seeds(sweep)].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  return html`<section id="masks">
    <h2>Where the gates closed</h2>
    <div class="lead wide">${parts}</div>
  </section>`;
}

async function closedHeads({ points }: SweepResults): Promise<Html | undefined> {
  const maps = points.flatMap(({ masks }) => (masks === undefined ? [] : [masks.heads]));
  const shape = (heads: readonly (readonly number[])[]) => heads.map((layer) => layer.length).join();
  const same = maps.filter((heads) => shape(heads) === shape(maps[0]!));
  if (same.length === 0 || same[0]!.flat().length === 0) return undefined;
  const cells = same[0]!.flatMap((layer, row) =>
    layer.map((_, column): Cell => {
      const closed = same.filter((heads) => heads[row]?.[column] === 0).length;
      return { row, column, share: closed / same.length };
    }),
  );
  const often = cells.filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
  const said = often
    .slice(0, 8)
    .map(({ row, column, share }) => `layer ${row} head ${column} in ${Math.round(share * same.length)}`);
  const label =
    often.length === 0
      ? "No head is closed in any point"
      : `Heads closed most often, of ${same.length} points: ${said.join(", ")}`;
  return html`<figure>
    <figcaption>
      <b>Heads that closed.</b> Heads (across) by layers (down): the fuller, the more of ${same.length} points have it
      closed.
    </figcaption>
    ${await draw(heat(cells, { size: 22, texts: false, colour: "var(--series-1)" }), label)}
  </figure>`;
}

async function agreements({ points }: SweepResults): Promise<Html | undefined> {
  const shown = points
    .map((point, index) => ({ point, number: index + 1 }))
    .filter(({ point }) => point.masks)
    .slice(0, MOST);
  const cells = shown.flatMap(({ point, number: row }) =>
    shown.flatMap(({ point: other, number: column }): Cell[] => {
      const found = agreement(point, other);
      return found === undefined ? [] : [{ row, column, share: found.jaccard }];
    }),
  );
  const pairs = cells.filter(({ row, column }) => row < column);
  if (pairs.length === 0) return undefined;
  const mean = pairs.reduce((sum, { share }) => sum + share, 0) / pairs.length;
  const least = pairs.reduce((low, pair) => (pair.share < low.share ? pair : low));
  const said = `mean ${fixed(mean)}; least ${fixed(least.share)}, points ${least.row} and ${least.column}`;
  return html`<figure>
    <figcaption>
      <b>Agreement of masks.</b> Weights open in both points, of those open in either (Jaccard): ${said}.
      ${points.length > MOST ? `The first ${MOST} points with masks.` : undefined}
    </figcaption>
    ${await draw(heat(cells, { size: shown.length > 12 ? 17 : 30, texts: shown.length <= 12, colour: "var(--open)" }), `Jaccard index of open weights by pairs of points: ${said}`)}
  </figure>`;
}

/** Points that differ in nothing but their seeds: is it the same sub-network each time? */
function seeds({ points }: SweepResults): Html | undefined {
  const groups = new Map<string, PointResults[]>();
  for (const point of points.filter(({ masks, config }) => masks !== undefined && config !== undefined)) {
    const shared = [...settingsOf(point)].filter(([path]) => !/(^|\.)seed$/.test(path) && path !== "exp_name");
    const key = JSON.stringify(shared);
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  const several = [...groups.values()].filter((group) => group.length > 1);
  if (several.length === 0) return undefined;
  const rows = several.flatMap((group) => {
    const pairs = group.flatMap((a, i) => group.slice(i + 1).flatMap((b) => agreement(a, b) ?? []));
    if (pairs.length === 0) return [];
    const mean = (of: "jaccard" | "kappa") => pairs.reduce((sum, pair) => sum + pair[of], 0) / pairs.length;
    return [
      html`<tr>
        <th scope="row">${nameWithoutSeed(group[0]!)}</th>
        <td>${group.length}</td>
        <td>${fixed(mean("jaccard"))}</td>
        <td>${fixed(mean("kappa"))}</td>
      </tr>`,
    ];
  });
  return table({
    kind: "plain",
    caption: "The same settings with other seeds: mean agreement of their masks. κ is what goes beyond chance.",
    headings: ["point", "seeds", "Jaccard", "Cohen’s κ"],
    rows,
  });
}

const nameWithoutSeed = ({ name }: PointResults): Html =>
  breakable(name.replace(/(^|,)seed=[^,]*/, "").replace(/^,/, "") || "all");
