import { type Html, raw } from "./html.ts";
import type { SweepResults } from "./results.ts";

/**
 * The blocks of every point's matrices, for the page's script to draw when a layer is picked: for each module its layer, the
 * part of its name behind the layer, its grid and its bits, 0 where they are those of the module before it.
 */
export function blocksData({ points }: SweepResults): Html {
  const kinds: string[] = [];
  const all = points.map(({ masks }) => {
    let before = "";
    return (masks?.modules ?? []).flatMap(({ name, layer, grid, mask }) => {
      if (grid === undefined || mask === undefined) return [];
      const kind = name.replace(/^.*?\blayers?\.\d+\./, "");
      if (!kinds.includes(kind)) kinds.push(kind);
      // Matrices that share a score tensor, as those of neurons do, say so.
      const bits = mask === before ? 0 : mask;
      before = mask;
      return [[layer, kinds.indexOf(kind), ...grid, bits]];
    });
  });
  const heads = points.map(({ masks }) => masks?.heads[0]?.length ?? 0);
  // In a script element no `<` may stand, whatever the text.
  const json = JSON.stringify({ kinds, heads, points: all }).replaceAll("<", "\\u003c");
  return raw(`<script type="application/json" id="blocks">${json}</script>`);
}
