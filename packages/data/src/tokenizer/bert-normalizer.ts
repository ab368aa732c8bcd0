/** `normalizer` of a `tokenizer.json` where its type is BertNormalizer. */
export interface BertNormalizerConfig {
  readonly clean_text?: boolean | undefined;
  readonly handle_chinese_chars?: boolean | undefined;
  /** Null: as `lowercase`. */
  readonly strip_accents?: boolean | null | undefined;
  readonly lowercase?: boolean | undefined;
}

/**
 * BERT's normaliser as the Rust tokenizers have it; the JavaScript port differs in three places.
 *
 * Characters are lower-cased one by one (Σ never becomes a final ς), accents go before the case does, and Han
 * characters beyond U+FFFF are set apart too. What is left are about 650 characters younger than the Rust code's Unicode
 * tables (version 8): accents and punctuation of rare scripts.
 */
export function bertNormalizer(config: BertNormalizerConfig): (text: string) => string {
  const { clean_text = true, handle_chinese_chars = true, lowercase = true } = config;
  const strip = config.strip_accents ?? lowercase;
  return (text) => {
    if (plain.test(text)) return lowercase ? text.toLowerCase() : text;
    if (clean_text) text = text.replace(controls, "").replace(blanks, " ");
    if (handle_chinese_chars) text = text.replace(han, " $& ");
    if (strip) text = text.normalize("NFD").replace(accents, "");
    return lowercase ? text.replaceAll("Σ", "σ").toLowerCase() : text;
  };
}

/**
 * Blanks that the normaliser turns into spaces, as the inside of a character class: no word of a BERT tokenizer goes
 * across one.
 */
export const bertBlanks = String.raw`\t\n\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;

const blanks = new RegExp(`[${bertBlanks}]`, "gu");

const plain = /^[\x20-\x7e]*$/;
const controls = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;
const accents = /\p{Mn}/gu;
// The sixth range begins at U+2B920, not U+2B820: so it stands in the Rust code.
const han =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
