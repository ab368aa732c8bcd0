import { Tokenizer } from "@huggingface/tokenizers";
import type { TokenizerFiles } from "./files.ts";

/** The part of @huggingface/tokenizers that is used here; its own declarations do not resolve under `nodenext`. */
export interface Library {
  normalizer: ((text: string) => string) | null;
  readonly post_processor:
    | ((first: string[], second: string[] | null, specials: boolean) => { tokens: string[]; token_type_ids?: number[] })
    | null;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  get_vocab(): Map<string, number>;
}

/**
 * The library's tokenizer over a folder's files. It would trim texts where `tokenizer_config.json` says `remove_space`;
 * the Rust tokenizers do what `tokenizer.json` says, and no more.
 */
export const library = ({ json, config }: TokenizerFiles): Library =>
  new Tokenizer(json, { ...config, remove_space: false }) as Library;
