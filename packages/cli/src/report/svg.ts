import type { TopLevelSpec } from "vega-lite";
import { type Html, html, raw } from "./html.ts";

/**
 * Draws a specification as SVG to stand in a page, `label` being what it says to those who do not see it.
 *
 * Vega is imported here alone, on the first chart: it takes half a second.
 */
export async function draw(spec: TopLevelSpec, label: string): Promise<Html> {
  const [{ compile }, { parse, View }] = await Promise.all([import("vega-lite"), import("vega")]);
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = slim(await view.toSVG());
  view.finalize();
  return html`<svg role="img" aria-label="${label}" ${raw(svg.slice("<svg ".length))}`;
}

/** Half of Vega's SVG is empty boxes and what the page's style says as well. A specification holds no texts of a sweep. */
function slim(svg: string): string {
  const once = (text: string) =>
    text
      .replaceAll(/<path class="(background|foreground)"[^>]*\/>/g, "")
      .replaceAll(/ (class|pointer-events|font-family|role|aria-[a-z]+|xmlns(:xlink)?|version)="[^"]*"/g, "")
      .replaceAll(
        / (opacity|stroke-width)="1"| (transform="translate\(0,0\)"|stroke-miterlimit="\d+"|x2="0"|y2="0")/g,
        "",
      )
      // Places alone: a text may be a number as well.
      .replaceAll(/<[^>]*>/g, (tag) =>
        tag.replaceAll(/-?\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10)),
      )
      .replaceAll(/<rect [^>]*fill="transparent"\/>/g, "")
      .replaceAll("<g></g>", "")
      .replaceAll(/<g>(<(?:path|line|text)[^<]*(?:<\/text>|(?<=\/>)))<\/g>/g, "$1");
  for (let before = ""; before !== svg;) [before, svg] = [svg, once(svg)];
  return svg;
}
