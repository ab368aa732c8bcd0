import { sentencesOf } from "@pruning-bias/data";
import { type Checkpoint, initWeights, parseConfig } from "@pruning-bias/model";
import { generator } from "@pruning-bias/runtime";
import {
  type DebiasSentences,
  fineprune,
  type FinepruneEvent,
  type FinepruneOptions,
  type FinepruneResult,
} from "../src/index.ts";

/** A random BERT with dropout. */
export function smallModel(change: object = {}): Checkpoint {
  const sizes = { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 32 };
  const config = parseConfig({
    ...{ model_type: "bert", vocab_size: 40, max_position_embeddings: 24, pad_token_id: 0, ...sizes },
    ...{ hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, ...change },
  });
  return { config, weights: initWeights(config, { seed: 1, std: 0.2, head: "none" }) };
}

/** Random sentences of 3 to 14 tokens, the second of which is the keyword. */
export function smallSentences(seed: number, counts = { targets: 14, male: 9, female: 7 }): DebiasSentences {
  const random = generator(seed);
  const draw = (count: number) => {
    const rows = Array.from({ length: count }, () => [
      2,
      ...Array.from({ length: 1 + random.int(12) }, () => 4 + random.int(36)),
      3,
    ]);
    const sentences = sentencesOf(rows);
    const keywordMask = new Uint8Array(sentences.inputIds.length);
    for (let row = 0; row < count; row++) keywordMask[sentences.offsets[row]! + 1] = 1;
    return { ...sentences, keywordMask };
  };
  return { targets: draw(counts.targets), male: draw(counts.male), female: draw(counts.female) };
}

/** All events of a run and its result. */
export async function finish(
  options: FinepruneOptions,
  each: (event: FinepruneEvent) => void = () => {},
): Promise<{ events: FinepruneEvent[]; result: FinepruneResult }> {
  const events: FinepruneEvent[] = [];
  const run = fineprune(options);
  for (let next = await run.next(); ; next = await run.next()) {
    if (next.done) return { events, result: next.value };
    each(next.value);
    events.push(next.value);
  }
}
