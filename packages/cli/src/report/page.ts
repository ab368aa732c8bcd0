import { createHash } from "node:crypto";
import { type Html, html, raw } from "./html.ts";
import { script } from "./script.ts";
import { style } from "./style.ts";

/** The page around a report: style and script inside, nothing from a network, and no other script runs. */
export const page = (sweep: string, body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${sha256(script)}'"
        />
        <title>${sweep}: sweep report</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <header>
          <p class="kicker">pruning-bias · sweep</p>
          <h1>${sweep}</h1>
          <nav aria-label="Sections">
            ${sections.flatMap(([id, name]) => (body.html.includes(`<section id="${id}"`) ? html`<a href="#${id}">${name}</a>` : []))}
          </nav>
        </header>
        <main>${body}</main>
        ${running}
      </body>
    </html> `.html;

const sections = [
  ["summary", "Summary"],
  ["points", "Points"],
  ["masks", "Gates"],
  ["where", "Heads"],
  ["all", "Curves"],
  ["curves", "Point by point"],
  ["settings", "Settings"],
] as const;

/** Made outside of the template, whose formatter would change it, and with it its hash. */
const running = raw(`<script>${script}</script>`);

const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64");
