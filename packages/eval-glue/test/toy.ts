import { type GlueTask, type GlueTokens, tokenizeGlue, type Tokenizer } from "@pruning-bias/data";
import { type Checkpoint, initWeights, parseConfig } from "@pruning-bias/model";
import { generator } from "@pruning-bias/runtime";

const config = parseConfig({
  model_type: "bert",
  vocab_size: 30,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 24,
  max_position_embeddings: 20,
});

/** A tiny masked language model, drawn. */
export const toyModel = (): Checkpoint => ({
  config,
  weights: initWeights(config, { seed: 5, std: 0.15, head: "masked-lm" }),
});

export interface ToyOptions {
  readonly task?: GlueTask;
  readonly split?: string;
  readonly size?: number;
  readonly label?: (text: string) => number;
  readonly seed?: number;
}

/** Whether a text has a z: what the toy's classes are. */
export const hasZ = (text: string): number => Number(text.includes("z"));

/** Texts of 4 to 12 letters, every other one with a z; in tasks of pairs with a second text. */
export function toySplit({
  task = "sst2",
  split = "train",
  size = 64,
  label = hasZ,
  seed = 1,
}: ToyOptions = {}): GlueTokens {
  const random = generator(seed);
  const first = Array.from({ length: size }, (_, n) => {
    const letters = Array.from({ length: 4 + random.int(8) }, () => String.fromCharCode(97 + random.int(25)));
    if (n % 2 === 1) letters[random.int(letters.length)] = "z";
    return letters.join("");
  });
  const labels = (task === "stsb" ? Float64Array : Int32Array).from(first.map(label));
  const pairs = task === "sst2" || task === "cola" ? {} : { second: first.map(() => "xy") };
  return tokenizeGlue(task, split, { first, ...pairs, labels, idx: Int32Array.from(first.keys()) }, letters());
}

/** A tokenizer of letters: 0 padding, 1 [CLS], 2 [SEP]. */
function letters(): Tokenizer {
  const pieces = (text: string) => [...text].map((letter) => letter.charCodeAt(0) - 94);
  return {
    encode: (text, pair) => {
      const first = [1, ...pieces(text), 2];
      const second = pair === undefined ? [] : [...pieces(pair), 2];
      return { inputIds: [...first, ...second], tokenTypeIds: [...first.map(() => 0), ...second.map(() => 1)] };
    },
    pieces,
    decode: (ids) => ids.map((id) => String.fromCharCode(id + 94)).join(""),
    pad: 0,
    cls: 1,
    sep: 2,
    mask: undefined,
    unknown: undefined,
    vocabularySize: 30,
    maxLength: 20,
    fingerprint: "letters",
  };
}
