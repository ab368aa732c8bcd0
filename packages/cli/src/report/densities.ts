import { count } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { StoredMasks } from "./results.ts";
import { table } from "./table.ts";

const short: Readonly<Record<string, string>> = {
  "attention.self.query": "Q",
  "attention.self.key": "K",
  "attention.self.value": "V",
  "attention.output.dense": "O",
  "intermediate.dense": "FFN in",
  "output.dense": "FFN out",
};

/** The open share of every masked matrix, in percent; 0 and 100 mean none and all, never rounded to. */
export function densityTable({ modules }: StoredMasks, name: string): Html {
  const kindOf = (module: string) => module.replace(/^.*?\blayers?\.\d+\./, "");
  const kinds = [...new Set(modules.map((module) => kindOf(module.name)))];
  const layers = [...new Set(modules.map(({ layer }) => layer))].toSorted((a, b) => a - b);
  const rows = layers.map((layer) => {
    const cells = kinds.map((kind) => {
      const module = modules.find((other) => other.layer === layer && kindOf(other.name) === kind);
      if (module === undefined || module.total === 0) return html`<td></td>`;
      const share = percentOpen(module);
      return html`<td style="--open-share:${share}%" title="${count(module.open)} of ${count(module.total)}">
        ${share}
      </td>`;
    });
    return html`<tr>
      <th scope="row">${layer}</th>
      ${cells}
    </tr>`;
  });
  const headings = kinds.map((kind) => (kind in short ? { short: short[kind]!, title: kind } : kind));
  return table({
    kind: "densities",
    caption: html`Open blocks, % of each matrix, by layer <span class="hidden">of ${name}</span>`,
    headings: [html`<span class="hidden">layer</span>`, ...headings],
    rows,
  });
}

function percentOpen({ open, total }: { open: number; total: number }): number {
  if (open === total || open === 0) return open === 0 ? 0 : 100;
  return Math.min(99, Math.max(1, Math.round((100 * open) / total)));
}
