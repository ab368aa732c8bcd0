const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/**
 * The `tokenizer.json` of a BERT WordPiece vocabulary, one piece an id, as Hugging Face's fast tokenizers write it.
 *
 * @throws Error where one of [PAD], [UNK], [CLS], [SEP], [MASK] is missing, or a piece is there twice
 */
export function wordPieceJson(vocabulary: readonly string[], { lowercase = true } = {}) {
  const ids = new Map(vocabulary.map((piece, id) => [piece, id]));
  const twice = vocabulary.find((piece, id) => ids.get(piece) !== id);
  if (twice !== undefined) throw new Error(`WordPiece vocabulary: expected ${twice} once, got it twice`);
  const special = (content: string) => {
    const id = ids.get(content);
    if (id === undefined)
      throw new Error(`WordPiece vocabulary: expected ${content} among its pieces, found it nowhere`);
    return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  };
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [token("[CLS]", 0), text("A", 0), token("[SEP]", 0)];
  const named = (id: string) => [id, { id, ids: [special(id).id], tokens: [id] }];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specials.map(special).sort((a, b) => a.id - b.id),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, text("B", 1), token("[SEP]", 1)],
      special_tokens: Object.fromEntries(["[CLS]", "[SEP]"].map(named)),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  };
}
