/** Text that is HTML already; every other text is escaped where it is put into a page. */
export interface Html {
  readonly html: string;
}

type Piece = Html | string | number | undefined | readonly Piece[];

/** A template of HTML: interpolated texts are escaped, lists are joined, `undefined` is nothing. */
export const html = (strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html =>
  // Indentation is for those who read the source.
  raw(
    strings.map((text, i) => text.replaceAll(/\n\s+/g, "\n") + (i < pieces.length ? render(pieces[i]) : "")).join(""),
  );

/** Takes a text as HTML. */
export const raw = (text: string): Html => ({ html: text });

/** Puts a separator between pieces. */
export const join = (pieces: readonly Piece[], separator: string | Html): Html =>
  html`${pieces.map((piece, i) => (i === 0 ? piece : html`${separator}${piece}`))}`;

/** A long name that may break after = , _ / and dots: names of points are made of settings. */
export const breakable = (name: string): Html => join(name.split(/(?<=[=,_/.])(?=.)/), raw("<wbr>"));

function render(piece: Piece): string {
  if (piece === undefined) return "";
  if (typeof piece === "object") return "html" in piece ? piece.html : piece.map(render).join("");
  return String(piece).replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
