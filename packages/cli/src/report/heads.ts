import { type Html, html, raw } from "./html.ts";
import type { StoredMasks } from "./results.ts";

const cell = 18;
const box = cell - 2;
const left = 26;
const top = 18;

type State = "open" | "undecided" | "closed";

/** Heads by layers, layer 0 on top: closed ones are crossed, undecided ones hatched, so that it reads without colour. */
export function headsPicture({ heads }: StoredMasks): Html {
  const widest = Math.max(0, ...heads.map((layer) => layer.length));
  const [width, height] = [left + widest * cell, top + heads.length * cell];
  const path = (state: State, draw: (x: number, y: number) => string) =>
    heads
      .flatMap((layer, row) =>
        layer.flatMap((value, column) =>
          stateOf(value) === state ? draw(left + column * cell, top + row * cell) : [],
        ),
      )
      .join("");
  const square = (x: number, y: number) => `M${x} ${y}h${box}v${box}h-${box}z`;
  const slashes = (x: number, y: number) => `M${x} ${y + 8}l8-8M${x + 2} ${y + 14}l12-12M${x + 8} ${y + box}l8-8`;
  const cross = (x: number, y: number) => `M${x + 4} ${y + 4}l8 8M${x + 12} ${y + 4}l-8 8`;
  return html`<svg
    class="heads"
    role="img"
    aria-label="${spoken(heads)}"
    width="${width}"
    height="${height}"
    viewBox="0 0 ${width} ${height}"
  >
    <use href="#${gridId(heads)}" />
    <path class="undecided" d="${path("undecided", square)}" />
    <path class="hatch" d="${path("undecided", slashes)}" />
    <path class="closed" d="${path("closed", square)}" />
    <path class="cross" d="${path("closed", cross)}" />
  </svg>`;
}

/** What the pictures of a page share: open heads and numbers, once for each shape of encoder. */
export function headsGrids(all: readonly StoredMasks[]): Html | undefined {
  const shapes = new Map(all.map(({ heads }) => [gridId(heads), heads]));
  if (shapes.size === 0) return undefined;
  return html`<svg class="heads" width="0" height="0" aria-hidden="true">
    <defs>
      ${[...shapes].map(
        ([id, heads]) =>
          html`<g id="${id}">
            <path
              class="head-rows"
              d="${heads.map((layer, row) => (layer.length === 0 ? "" : `M${left} ${top + row * cell + box / 2}h${layer.length * cell - 2}`)).join("")}"
              stroke-dasharray="${box} 2"
            />
            ${headsAcross(heads.length, Math.max(0, ...heads.map((layer) => layer.length)))}
          </g>`,
      )}
    </defs>
  </svg>`;
}

const gridId = (heads: StoredMasks["heads"]): string => `heads-${heads.map((layer) => layer.length).join("-")}`;

/** Where heads stand in a picture of so many layers and heads. */
export const headsPlace = (layers: number, widest: number) => ({
  ...{ width: left + widest * cell, height: top + layers * cell, cell, box },
  x: (head: number) => left + head * cell,
  y: (layer: number) => top + layer * cell,
});

/** Numbers of layers and heads. */
export function headsAcross(layers: number, widest: number): Html {
  const every = (n: number) => Array.from({ length: n }, (_, i) => i).filter((i) => n <= 16 || i % 4 === 0);
  const rows = every(layers).map(
    (row) => html`<text class="head-number end" x="${left - 6}" y="${top + row * cell + 12}">${row}</text>`,
  );
  const columns = every(widest).map(
    (column) => html`<text class="head-number middle" x="${left + column * cell + 8}" y="${top - 6}">${column}</text>`,
  );
  return html`${rows}${columns}`;
}

/** What a square means, to stand beside the pictures. */
export const headsLegend: Html = html`<span class="legend"
  >${(["open", "undecided", "closed"] as const).map(
    (state) =>
      html`<span
        ><svg class="heads" width="16" height="16" aria-hidden="true">
          <path class="${state}" d="M0 0h16v16h-16z" />
          ${raw(
            {
              open: "",
              undecided: '<path class="hatch" d="M0 8l8-8M2 14l12-12M8 16l8-8"/>',
              closed: '<path class="cross" d="M4 4l8 8M12 4l-8 8"/>',
            }[state],
          )}
        </svg>
        ${state}</span
      >`,
  )}</span
>`;

const stateOf = (value: number): State => (value === 1 ? "open" : value === 0 ? "closed" : "undecided");

function spoken(heads: StoredMasks["heads"]): string {
  const layers = heads.map((layer, index) => {
    const of = (state: State) =>
      layer.flatMap((value, head) => (stateOf(value) === state ? [head] : [])).join(", ") || "none";
    return `layer ${index}: closed ${of("closed")}, undecided ${of("undecided")}`;
  });
  return `Attention heads by layer, all others open. ${layers.join("; ")}.`;
}
