import { type Html, html, raw } from "./html.ts";
import type { SweepResults } from "./results.ts";

/**
 * The blocks of every point's matrices, for the page's script to draw when a layer is picked: for each module its layer, the
 * part of its name behind the layer, its grid and its bits.
 */
export function blocksData({ points }: SweepResults): Html {
  const kinds: string[] = [];
  const all = points.map(({ masks }) =>
    (masks?.modules ?? []).flatMap(({ name, layer, grid, mask }) => {
      if (grid === undefined || mask === undefined) return [];
      const kind = name.replace(/^.*?\blayers?\.\d+\./, "");
      if (!kinds.includes(kind)) kinds.push(kind);
      return [[layer, kinds.indexOf(kind), ...grid, mask]];
    }),
  );
  const heads = points.map(({ masks }) => masks?.heads[0]?.length ?? 0);
  // In a script element no `<` may stand, whatever the text.
  const json = JSON.stringify({ kinds, heads, points: all }).replaceAll("<", "\\u003c");
  return html`<script type="application/json" id="blocks">
    ${raw(json)}
  </script>`;
}
