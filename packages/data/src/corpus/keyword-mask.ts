import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * For each token, how many sub-tokens of the keywords equal it.
 *
 * mask[j] = Σ_k [keywordPieces[k] = inputIds[j]] (the reference, `get_keyword_mask`): it is 2 where two keywords share
 * a sub-token.
 */
export function keywordMask(inputIds: readonly number[], keywordPieces: readonly number[]): number[] {
  return inputIds.map((id) => {
    let count = 0;
    for (const piece of keywordPieces) if (piece === id) count++;
    return count;
  });
}

/** A function that gives the sub-tokens of keywords, each keyword remembered. */
export function keywordTokens(tokenizer: Pick<Tokenizer, "pieces">): (keywords: readonly string[]) => number[] {
  const memo = new Map<string, readonly number[]>();
  return (keywords) =>
    keywords.flatMap((keyword) => {
      let known = memo.get(keyword);
      if (known === undefined) memo.set(keyword, (known = withAndWithoutSpace(tokenizer, keyword)));
      return known;
    });
}

/** Byte-level tokenizers have two forms of a word, after a space and without one: both count, shared sub-tokens once. */
function withAndWithoutSpace(tokenizer: Pick<Tokenizer, "pieces">, keyword: string): number[] {
  const bare = tokenizer.pieces(keyword);
  const spare = [...bare];
  const spaced = tokenizer.pieces(` ${keyword}`).filter((id) => {
    const at = spare.indexOf(id);
    if (at >= 0) spare.splice(at, 1);
    return at < 0;
  });
  return [...bare, ...spaced];
}
