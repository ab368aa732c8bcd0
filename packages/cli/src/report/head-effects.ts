import { fixed, signed } from "./format.ts";
import { headsAcross, headsPlace } from "./heads.ts";
import { type Html, html, join } from "./html.ts";
import type { StoredWhere } from "./results.ts";
import { table } from "./table.ts";

type Effects = StoredWhere["open"];
type Head = StoredWhere["sets"][number]["heads"][number];

/** Heads by layers: the fuller, the more bias moves without that head. Signs stand on the strongest, so that it reads without colour. */
export function headChanges({ open, heads }: StoredWhere): Html {
  const changed = heads.map((row) => ({ ...row, change: meanSize(row.effects) - meanSize(open) }));
  const known = changed.filter(({ change }) => Number.isFinite(change));
  if (known.length === 0) return html``;
  const most = Math.max(...known.map(({ change }) => Math.abs(change)), 1e-9);
  const [layers, across] = [Math.max(...heads.map(({ layer }) => layer)), Math.max(...heads.map(({ head }) => head))];
  const { width, height, cell, box, x, y } = headsPlace(layers + 1, across + 1);
  const cells = known.map((row) => {
    const share = Math.abs(row.change) / most;
    const title = `${nameOf(row)} closed: ${signed(row.change)} (${effectsText(row.effects)})`;
    return html`<rect
      class="${row.change < 0 ? "falls" : "rises"}"
      x="${x(row.head)}"
      y="${y(row.layer)}"
      width="${box}"
      height="${box}"
      fill-opacity="${(0.65 * share).toFixed(2)}"
    >
      <title>${title}</title>
    </rect>`;
  });
  const signs = known
    .filter(({ change }) => Math.abs(change) >= most / 3)
    .map(({ layer, head, change }) => {
      const minus = `M${x(head) + 4} ${y(layer) + box / 2}h8`;
      return change < 0 ? minus : `${minus}m-4-4v8`;
    });
  const strongest = known.toSorted((a, b) => Math.abs(b.change) - Math.abs(a.change)).slice(0, 8);
  const label = `Change of the mean absolute SEAT effect with a head closed, the strongest: ${strongest
    .map((row) => `${nameOf(row)} ${signed(row.change)}`)
    .join("; ")}.`;
  const [least, highest] = [Math.min(...known.map((row) => row.change)), Math.max(...known.map((row) => row.change))];
  return html`<figure class="where">
    <figcaption>
      Mean |SEAT effect| with one head closed, from ${fixed(meanSize(open))} with none: ${signed(least)} to
      ${signed(highest)}
      <span class="legend"><span class="falls">− bias falls</span><span class="rises">+ rises</span></span>
    </figcaption>
    <svg
      class="heads"
      role="img"
      aria-label="${label}"
      width="${width}"
      height="${height}"
      viewBox="0 0 ${width} ${height}"
    >
      <rect
        class="empty"
        x="${x(0)}"
        y="${y(0)}"
        width="${(across + 1) * cell - 2}"
        height="${(layers + 1) * cell - 2}"
      />
      ${cells}
      <path class="sign" d="${signs.join("")}" />
      ${headsAcross(layers + 1, across + 1)}
    </svg>
  </figure>`;
}

/** What a model gives with no head closed, with its mask, and with the growing sets of closed heads that a search found. */
export function headSets({ open, goal, sets }: StoredWhere, of: string): Html {
  const tests = Object.keys(open);
  const { closed } = goal;
  const distance = (effects: Effects) =>
    Math.max(...tests.map((test) => Math.abs(effects[test]! - goal.effects[test]!)));
  const row = (what: Html, effects: Effects, away: number | undefined, kind = "") =>
    html`<tr class="${kind}">
      <th scope="row">${what}</th>
      ${tests.map((test) => html`<td>${fixed(effects[test] ?? NaN)}</td>`)}
      <td>${away === undefined ? "" : fixed(away)}</td>
    </tr>`;
  const masked =
    closed === undefined
      ? html`wanted: no effect`
      : html`the mask: ${closed.length}
        closed${closed.length > 0 && closed.length <= 12 ? html`<small>${headList(closed)}</small>` : undefined}`;
  return table({
    kind: "plain sets",
    caption: html`${verdict(goal, sets)} <span class="hidden">Of ${of}.</span>`,
    headings: ["heads closed", ...tests, "away"],
    rows: [
      row(html`none`, open, distance(open)),
      row(masked, goal.effects, undefined, "goal"),
      ...sets.map(({ heads, effects, distance: away }) => row(headList(heads), effects, away)),
    ],
  });
}

function verdict({ enough, closed }: StoredWhere["goal"], sets: StoredWhere["sets"]): Html {
  const found = sets.at(-1);
  const goal = closed === undefined ? "no effect" : "the mask’s effects";
  const how = html`“Away”: the largest difference of a test from ${goal}. Layer.head, found greedily.`;
  if (found === undefined) return html`Closing no single head comes nearer to ${goal}. ${how}`;
  const heads = `${found.heads.length} ${found.heads.length === 1 ? "head" : "heads"}`;
  return found.distance <= enough
    ? html`<b>${heads} closed, and nothing else, come within ${fixed(enough, 1)} of ${goal}.</b> ${how}`
    : html`<b>The best set, of ${heads}, is still ${fixed(found.distance)} away from ${goal}.</b> ${how}`;
}

const headList = (heads: readonly Head[]): Html =>
  html`${join(
    heads.map(({ layer, head }) => `${layer}.${head}`),
    " + ",
  )}`;

const nameOf = ({ layer, head }: Head): string => `layer ${layer} head ${head}`;

const effectsText = (effects: Effects): string =>
  Object.entries(effects)
    .map(([test, effect]) => `${test} ${fixed(effect)}`)
    .join(", ");

function meanSize(effects: Effects): number {
  const sizes = Object.values(effects).map(Math.abs);
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}
