const dark = `
  --page: #14171b; --panel: #1c2026; --text: #e6e9ed; --muted: #9aa4b0; --line: #2c323a; --axis: #56606c;
  --fell: #5cc8a8; --rose: #f39a6b; --link: #7db7f2; --warn: #3a2f1a; --warn-line: #c99a3a;
  --faint: #4a5560; --open: #35618e; --undecided: #8a7a35; --closed: #121417; --mark: #e6e9ed;
  --series-0: #6fb3ef; --series-1: #f39a6b; --series-2: #5cc8a8; --series-3: #d79ae0; --series-4: #e0cc5c; --series-5: #a7b4c2;
`;

const light = `
  --page: #f5f6f8; --panel: #ffffff; --text: #1b2027; --muted: #5b6572; --line: #e4e7eb; --axis: #a9b2bd;
  --fell: #00795a; --rose: #b84a0e; --link: #0b62b3; --warn: #fdf6e3; --warn-line: #d3a12a;
  --faint: #c3cbd4; --open: #a9cdee; --undecided: #f4dd8a; --closed: #454c56; --mark: #ffffff;
  --series-0: #0b6fc2; --series-1: #c8500c; --series-2: #00866a; --series-3: #9a4fb0; --series-4: #94760a; --series-5: #5b6572;
`;

/** The style of a report: light or dark as the reader's system is, always light on paper. */
export const style = `
:root { color-scheme: light dark; ${light} }
@media screen and (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
header, main { max-width: 1280px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 28px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 10px; overflow-wrap: anywhere; letter-spacing: -.01em; }
h2 { font-size: 20px; margin: 36px 0 12px; }
h3 { font-size: 16px; margin: 0 0 4px; overflow-wrap: anywhere; }
p { margin: 0 0 10px; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
small { display: block; font-size: 11.5px; line-height: 1.35; color: var(--muted); }
sub { font-size: .75em; line-height: 0; }
.kicker { margin: 0; font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: var(--muted); }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; } [hidden] { display: none !important; }
.muted, .missing { color: var(--muted); }
.muted { font-size: 13.5px; }
.missing { font-style: italic; }
.fell { color: var(--fell); } .rose { color: var(--rose); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.number { color: var(--muted); font-variant-numeric: tabular-nums; }
#summary .lead, article[id], .scroll, details { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.lead { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 32px; padding: 20px 22px; align-items: start; } .lead p { max-width: 110ch; }
.headline { font-size: 18px; line-height: 1.5; }
.trade { max-width: 480px; } .trades { display: grid; gap: 18px 40px; grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 480px)); }
.lead.wide { display: flex; flex-wrap: wrap; gap: 24px 48px; align-items: flex-start; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.lead.wide > figure { max-width: 100%; } .lead.wide figcaption { max-width: 44ch; } .lead.wide.charts { display: grid; }
.tools { display: none; gap: 16px; align-items: center; font-size: 14px; } .scripted .tools { display: flex; }
.tools input { font: inherit; padding: 4px 8px; width: 26ch; max-width: 60vw; color: inherit; background: var(--panel); border: 1px solid var(--axis); border-radius: 6px; }
.points thead button { all: unset; cursor: pointer; font: inherit; color: inherit; display: inline-block; } .points thead button:focus-visible, .layers button:focus-visible, a:focus-visible, input:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.points thead button:hover { text-decoration: underline; text-underline-offset: 2px; } .points [aria-sort] button::after { content: " ▲"; font-size: 9px; } .points [aria-sort="descending"] button::after { content: " ▼"; }
.points td.number { box-shadow: inset 3px 0 var(--own, transparent); white-space: nowrap; } .points td.number input { margin: 0 4px 0 0; display: none; } .scripted .points td.number input { display: inline-block; vertical-align: -2px; }
.layers { display: none; margin-top: 8px; font-size: 12.5px; color: var(--muted); max-width: 32ch; } .scripted .layers { display: block; }
.layers button { font: inherit; color: var(--text); min-width: 26px; margin: 0 2px 4px 0; padding: 1px 5px; border: 1px solid var(--axis); border-radius: 5px; background: none; cursor: pointer; }
.layers button[aria-pressed="true"] { background: var(--open); border-color: var(--link); } .heads.live { cursor: pointer; }
.blocks { flex-basis: 100%; font-size: 13px; } .blocks:empty { display: none; } .matrices { display: flex; flex-wrap: wrap; gap: 14px 22px; align-items: flex-start; }
.matrices figcaption { font-size: 12px; max-width: 170px; font-weight: 400; } .grid { border: 1px solid var(--axis); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.grid .open { fill: var(--open); } .grid .closed { fill: var(--closed); } .grid .mine { fill: none; stroke: var(--rose); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.warnings { margin: 14px 0 0; padding: 10px 16px 10px 34px; background: var(--warn); border-left: 3px solid var(--warn-line); border-radius: 6px; font-size: 14px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: 13px; padding: 10px 12px; caption-side: top; }
th { font-weight: 600; text-align: left; }
th, td { padding: 7px 10px; vertical-align: top; }
.points th, .points td { padding: 6px 7px; }
.points { width: 100%; font-size: 13px; line-height: 1.35; }
.points th:nth-child(n + 3), .points td { text-align: right; }
.points thead th { font-size: 12px; vertical-align: bottom; border-bottom: 1px solid var(--axis); }
.points .groups th { border-bottom: 0; text-align: left; color: var(--muted); font-weight: 500; padding-bottom: 0; white-space: nowrap; }
.points .groups th { border-left: 1px solid var(--line); }
.points tbody tr + tr > * { border-top: 1px solid var(--line); }
.points tbody th { min-width: 150px; max-width: 240px; overflow-wrap: anywhere; font-weight: 500; position: sticky; left: 0; background: var(--panel); }
.points td, .points td small { white-space: nowrap; }
.points .missing { font-size: 12px; }
.baseline > * { background: color-mix(in srgb, var(--line) 45%, var(--panel)) !important; }
.plain { font-size: 13.5px; } .plain td, .plain th { overflow-wrap: anywhere; }
.plain tr + tr > *, .plain tbody tr > * { border-top: 1px solid var(--line); }
article { padding: 18px 22px 10px; margin: 0 0 18px; }
.many article { content-visibility: auto; contain-intrinsic-size: auto 340px; }
.settings { font-size: 13px; color: var(--muted); margin-bottom: 8px; overflow-wrap: anywhere; } .settings b { color: var(--text); font-weight: 600; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 13px; margin-bottom: 4px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(205px, 1fr)); gap: 14px 20px; margin: 12px 0; }
.charts figure { display: flex; flex-direction: column; } .charts figcaption { font-weight: 600; flex: 1; }
figure > svg { max-width: 100%; height: auto; display: block; font-family: inherit; }
.legend { display: inline-flex; flex-wrap: wrap; gap: 2px 12px; font-weight: 400; font-size: 12px; color: var(--muted); margin-left: 8px; }
.legend > span { display: inline-flex; align-items: center; gap: 5px; }
.masks { display: flex; flex-wrap: wrap; gap: 18px 40px; align-items: flex-start; margin: 14px 0; } .masks > figure figcaption { max-width: 270px; }
.heads { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.heads .open { fill: var(--open); } .head-rows { stroke: var(--open); stroke-width: 16; } .heads .undecided { fill: var(--undecided); } .heads .closed { fill: var(--closed); }
.heads .hatch { stroke: var(--text); stroke-width: 1; } .heads .cross { stroke: var(--mark); stroke-width: 1.6; }
.heads .empty { fill: color-mix(in srgb, var(--line) 45%, var(--panel)); } .heads .falls { fill: var(--fell); } .heads .rises { fill: var(--rose); } .heads .sign { stroke: var(--text); stroke-width: 1.6; }
.legend .falls { color: var(--fell); } .legend .rises { color: var(--rose); }
.sets { max-width: 340px; } .lead .sets { max-width: 620px; } .sets caption { padding: 0 6px 4px; color: var(--text); } .sets th, .sets td { padding: 3px 7px; } .sets td, .sets thead th { white-space: nowrap; overflow-wrap: normal; } .sets td, .sets th:nth-child(n + 2) { text-align: right; } .sets .goal > * { background: color-mix(in srgb, var(--line) 45%, var(--panel)); } .sets tbody th { font-weight: 500; }
.head-number { font-size: 10px; fill: var(--muted); } .head-number.end { text-anchor: end; } .head-number.middle { text-anchor: middle; }
.densities { font-size: 12px; border-spacing: 2px; border-collapse: separate; }
.densities caption { padding: 0 2px 4px; color: var(--text); }
.densities th { font-weight: 400; color: var(--muted); padding: 0 6px; text-align: center; vertical-align: middle; }
.densities td { padding: 0 6px; min-width: 42px; height: 16px; line-height: 16px; text-align: center; background: color-mix(in srgb, var(--open) var(--open-share, 0%), transparent); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.commands dt { font-weight: 600; margin-top: 10px; overflow-wrap: anywhere; } .commands dd { margin: 2px 0 0; }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; display: block; padding: 8px 12px; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; overflow-wrap: anywhere; user-select: all; }
details { margin: 18px 0 40px; padding: 10px 16px; } summary { cursor: pointer; }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root { color-scheme: light; }
  body { font-size: 11px; background: none; } header, main { max-width: none; padding: 0; } nav, .tools, .scripted .tools, .layers, .scripted .layers, .scripted .points td.number input { display: none; }
  .scroll { overflow: visible; } .points { font-size: 9.5px; zoom: .78; } .points th, .points td { padding: 3px 4px; } .points tbody th { min-width: 120px; position: static; } caption { font-size: 10px; }
  .headline { font-size: 14px; } .muted, .settings, .warnings, figcaption { font-size: 11px; } .lead { padding: 12px 16px; } .trades { grid-template-columns: 1fr 1fr; } h1 { font-size: 22px; } h2 { font-size: 16px; margin: 18px 0 8px; }
  article { padding: 10px 14px 4px; } .many article { content-visibility: visible; } .charts, .masks { margin: 6px 0; } .masks { zoom: .78; gap: 14px 30px; }
  small { font-size: 8.5px; } tr, figure, article, .lead, .densities, .sets { break-inside: avoid; } .plain { font-size: 9.5px; } .plain td, .plain th { padding: 2px 5px; } h2, h3 { break-after: avoid; }
  .charts, .lead.wide.charts { grid-template-columns: repeat(5, 1fr); }
  details::details-content { content-visibility: visible; display: block; }
}
`;
