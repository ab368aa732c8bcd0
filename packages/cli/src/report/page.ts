import { type Html, html, raw } from "./html.ts";
import { style } from "./style.ts";

/** The page around a report: style inside, no script, nothing from a network. */
export const page = (sweep: string, body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
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
            <a href="#summary">Summary</a><a href="#points">Points</a><a href="#curves">Point by point</a
            ><a href="#settings">Settings</a>
          </nav>
        </header>
        <main>${body}</main>
      </body>
    </html> `.html;
