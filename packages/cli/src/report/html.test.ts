import { expect, test } from "vitest";
import { breakable, html, join, raw } from "./html.ts";

test("texts are escaped, in elements and in attributes, and HTML is not escaped twice", () => {
  const inner = html`<b>${"a < b & c"}</b>`;
  expect(html`<p title="${'"><script>'}">${inner}</p>`.html).toBe(
    '<p title="&#34;&#62;&#60;script&#62;"><b>a &#60; b &#38; c</b></p>',
  );
});

test("lists are joined and what is undefined is nothing", () => {
  expect(html`${[1, undefined, raw("<br>"), ["x", "y"]]}`.html).toBe("1<br>xy");
  expect(join(["a", "<"], ", ").html).toBe("a, &#60;");
});

test("long names may break after their signs", () => {
  expect(breakable("layer=last,<b>").html).toBe("layer=<wbr>last,<wbr>&#60;b&#62;");
});
