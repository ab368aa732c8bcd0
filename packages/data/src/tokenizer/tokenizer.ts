import { hashJson, printable, reason } from "@pruning-bias/files";
import { bertBlanks, bertNormalizer } from "./bert-normalizer.ts";
import { MOST_IDS, readTokenizerFiles, type TokenizerFiles } from "./files.ts";
import { type Library, library as libraryOf } from "./library.ts";
import { type Slot, template } from "./template.ts";
import { longestFirst } from "./truncate.ts";

/** Texts to token ids, as the Rust tokenizers of Hugging Face make them. */
export interface Tokenizer {
  /**
   * Ids with the special tokens, cut at `maxLength` (two texts: `longest_first`), and the segment of each. An empty
   * second text still counts as one.
   */
  encode(text: string, pair?: string): { inputIds: number[]; tokenTypeIds: number[] };
  /** Ids without special tokens, not cut. */
  pieces(text: string): number[];
  /** The text of ids, special tokens as they are written. */
  decode(ids: readonly number[]): string;
  /** Id of the padding token. */
  readonly pad: number;
  /** Id of the token before a sentence. */
  readonly cls: number;
  /** Id of the token behind a sentence. */
  readonly sep: number;
  /** Id of the token that stands for one to be predicted; not every family has it. */
  readonly mask: number | undefined;
  /** Id of the token for what the vocabulary has not; not every family has it. */
  readonly unknown: number | undefined;
  /** One more than the highest id. */
  readonly vocabularySize: number;
  /** Tokens a sequence may have, special ones among them. */
  readonly maxLength: number;
  /** A hash of all that decides its ids. */
  readonly fingerprint: string;
}

/** What a tokenizer takes besides its files. */
export interface TokenizerOptions {
  /** Tokens a sequence may have, special ones among them; 128 by default. */
  readonly maxLength?: number;
}

/** Loads the tokenizer of a checkpoint's folder; throws one line that names the file. */
export async function loadTokenizer(dir: string, { maxLength = 128 }: TokenizerOptions = {}): Promise<Tokenizer> {
  const files = await readTokenizerFiles(dir);
  try {
    return tokenizerOf(dir, files, maxLength);
  } catch (error) {
    throw new Error(`${dir}: expected a tokenizer, ${reason(error)}`, { cause: error });
  }
}

function tokenizerOf(dir: string, files: TokenizerFiles, maxLength: number): Tokenizer {
  const library = libraryOf(files);
  const vocabularySize = sizeOf(library);
  const { normalizer } = files.json;
  if (normalizer?.type === "BertNormalizer") library.normalizer = bertNormalizer(normalizer);
  const pieces = piecesOf(dir, library, files);
  // RoBERTa has one segment; the library gives the second text of a pair a second one.
  const segments = files.json.post_processor?.type !== "RobertaProcessing";
  const [single, pair] = [template(library, 1), template(library, 2, { segments })];
  const specials = single.flatMap((slot) => ("id" in slot ? [slot.id] : []));
  const around = pair.filter((slot) => "id" in slot).length;
  if (around > maxLength) throw new Error(`one with ${around} special tokens in a sequence of ${maxLength}`);
  const token = (...names: readonly (string | null | undefined)[]) =>
    names
      .map((name) => (typeof name === "string" ? library.token_to_id(name) : undefined))
      .find((id) => id !== undefined);
  const pad = token(files.config.pad_token, "[PAD]", "<pad>");
  const [cls, sep] = [specials[0], specials.at(-1)];
  if (pad === undefined || cls === undefined || sep === undefined) {
    throw new Error("one without a padding, a first or a last special token");
  }
  return {
    encode(text, second) {
      const first = pieces(text, maxLength);
      if (second === undefined) return fill(single, [first], [Math.min(first.length, room(single, maxLength))]);
      const other = pieces(second, maxLength);
      return fill(pair, [first, other], longestFirst(first.length, other.length, room(pair, maxLength)));
    },
    pieces: (text) => pieces(text, Infinity),
    decode: (ids) => (ids.length === 0 ? "" : library.decode([...ids], { skip_special_tokens: false })),
    pad,
    cls,
    sep,
    mask: token(files.config.mask_token, "[MASK]", "<mask>"),
    unknown: token(files.config.unk_token, "[UNK]", "<unk>"),
    vocabularySize,
    maxLength,
    fingerprint: hashJson([files.json, files.config, maxLength]),
  };
}

/** One more than the highest id; ids are whole numbers that models have rows for. */
function sizeOf(library: Library): number {
  let highest = -1;
  for (const [piece, id] of library.get_vocab()) {
    if (!Number.isInteger(id) || id < 0 || id >= MOST_IDS)
      throw new Error(`${JSON.stringify(piece)} with id ${String(id)}`);
    highest = Math.max(highest, id);
  }
  return highest + 1;
}

/** Ids of a text without special tokens; they may end once there are `enough`. */
function piecesOf(dir: string, library: Library, { json }: TokenizerFiles): (text: string, enough: number) => number[] {
  const whole = (text: string): number[] => {
    let ids: number[];
    try {
      ids = library.encode(text, { add_special_tokens: false }).ids;
    } catch (error) {
      throw new Error(`${dir}: expected ids for ${quoted(text)}, ${reason(error)}`, { cause: error });
    }
    if (ids.every(Number.isInteger)) return ids;
    throw new Error(`${dir}: expected ids for ${quoted(text)}, got pieces without`);
  };
  // What the library cannot do with any text it shows at the first.
  whole("A text of 7 words, naïve: 北京");
  const free = json.added_tokens.every((token) => !token.lstrip && !token.rstrip && !blank.test(token.content));
  if (json.normalizer?.type !== "BertNormalizer" || json.pre_tokenizer?.type !== "BertPreTokenizer" || !free)
    return whole;
  // BERT's words never go across a blank or a mark of punctuation, which is a word: each is tokenised once and remembered.
  const words = wordsBetween(json.added_tokens.map(({ content }) => content).join(""));
  const memo = new Map<string, readonly number[]>();
  return (text, enough) => {
    const ids: number[] = [];
    for (const word of text.match(words) ?? []) {
      let known = memo.get(word);
      if (known === undefined) {
        known = whole(word);
        if (memo.size < memoSize) memo.set(word, known);
      }
      for (const id of known) ids.push(id);
      if (ids.length >= enough) break;
    }
    return ids;
  };
}

const quoted = (text: string): string => printable(JSON.stringify(text));

const blank = new RegExp(`[${bertBlanks}]`, "u");

/** Words of a text, and ASCII's marks of punctuation each by itself, but for those `within` added tokens, which are found before words are. */
function wordsBetween(within: string): RegExp {
  const marks = Array.from({ length: 0x5e }, (_, i) => 0x21 + i)
    .filter((code) => !/[a-z0-9]/iu.test(String.fromCharCode(code)) && !within.includes(String.fromCharCode(code)))
    .map((code) => `\\x${code.toString(16)}`)
    .join("");
  return new RegExp(`[^${bertBlanks}${marks}]+|[${marks}]`, "gu");
}

const memoSize = 1 << 19;

const room = (slots: readonly Slot[], maxLength: number): number =>
  Math.max(0, maxLength - slots.filter((slot) => "id" in slot).length);

function fill(slots: readonly Slot[], texts: readonly (readonly number[])[], kept: readonly number[]) {
  const inputIds: number[] = [];
  const tokenTypeIds: number[] = [];
  for (const slot of slots) {
    const ids = "id" in slot ? [slot.id] : texts[slot.text]!;
    const length = "id" in slot ? 1 : kept[slot.text]!;
    for (let i = 0; i < length; i++) {
      inputIds.push(ids[i]!);
      tokenTypeIds.push(slot.type);
    }
  }
  return { inputIds, tokenTypeIds };
}
