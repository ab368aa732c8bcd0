import { type Html, html } from "./html.ts";

export interface TableParts {
  /** Classes that style it. */
  readonly kind: string;
  readonly caption: Html | string;
  /** Of its columns; `title` says what a short one stands for. */
  readonly headings: readonly (Html | string | { readonly short: string; readonly title: string })[];
  readonly rows: Html | readonly Html[];
}

/** A table with one row of headings. */
export const table = ({ kind, caption, headings, rows }: TableParts): Html =>
  html`<table class="${kind}">
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        ${headings.map((heading) =>
          typeof heading === "object" && "short" in heading
            ? html`<th scope="col" title="${heading.title}">${heading.short}</th>`
            : html`<th scope="col">${heading}</th>`,
        )}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
