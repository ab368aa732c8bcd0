import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { sentencesBuilder } from "./builder.ts";
import { type ClassName, classNames, classifier, type ClassWords } from "./classify.ts";
import { keywordMask, keywordTokens } from "./keyword-mask.ts";
import type { Sentences } from "./sentences.ts";

/** What a corpus holds. */
export interface CorpusCounts {
  /** Of the corpus. */
  readonly lines: number;
  /** Lines by class, those that are dropped later among them. */
  readonly classLines: Readonly<Record<ClassName | "none", number>>;
  /** What is kept of each class. */
  readonly classes: Readonly<Record<ClassName, ClassCounts>>;
  /** Lines (from 0) that have a class but no token of a keyword: cut off, or split otherwise than by the tokenizer. */
  readonly droppedLines: readonly number[];
  /** How many lines with a class hold each keyword. */
  readonly keywordLines: Readonly<Record<string, number>>;
}

/** Counts over the sentences of one class that are kept. */
export interface ClassCounts {
  /** Sentences. */
  readonly kept: number;
  /** Tokens, [CLS] and [SEP] among them. */
  readonly tokens: number;
  /** Sentences as long as the tokenizer allows. */
  readonly cut: number;
  /** Sum of the keyword masks. */
  readonly maskSum: number;
  /** Tokens with a mask above 0. */
  readonly maskPositions: number;
}

/** The sentences of each class, and how many lines were of which. */
export interface Selected {
  /** In the order of their lines. */
  readonly sentences: Readonly<Record<ClassName, Sentences>>;
  /** What was kept and what dropped. */
  readonly counts: CorpusCounts;
}

/**
 * Lines of a corpus to tokenised sentences of the three classes, each with its keyword mask, in the order of lines;
 * see `classifier`. A line without a keyword's token is dropped, as the original does (Joniak and Aizawa 2022).
 */
export async function selectSentences(
  chunks: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  words: ClassWords,
  tokenizer: Tokenizer,
): Promise<Selected> {
  const classify = classifier(words);
  const tokensOf = keywordTokens(tokenizer);
  const builders = byClass(() => sentencesBuilder(tokenizer.vocabularySize));
  const classes = byClass(() => ({ kept: 0, tokens: 0, cut: 0, maskSum: 0, maskPositions: 0 }));
  const classLines = { male: 0, female: 0, stereotype: 0, none: 0 };
  const keywordLines = new Map<string, number>();
  const droppedLines: number[] = [];
  let lines = 0;
  for await (const chunk of chunks) {
    for (const sentence of chunk) {
      const line = lines++;
      const { class: name, keywords } = classify(sentence);
      classLines[name]++;
      if (name === "none") continue;
      for (const keyword of keywords) keywordLines.set(keyword, (keywordLines.get(keyword) ?? 0) + 1);
      const { inputIds } = tokenizer.encode(sentence);
      const mask = keywordMask(inputIds, tokensOf(keywords));
      let [sum, positions] = [0, 0];
      for (const count of mask) {
        sum += count;
        positions += Number(count > 0);
      }
      if (sum === 0) {
        droppedLines.push(line);
        continue;
      }
      const counts = classes[name];
      counts.kept++;
      counts.tokens += inputIds.length;
      counts.cut += Number(inputIds.length === tokenizer.maxLength);
      counts.maskSum += sum;
      counts.maskPositions += positions;
      builders[name].add(line, inputIds, mask);
    }
  }
  return {
    sentences: byClass((name) => builders[name].build()),
    counts: { lines, classLines, classes, droppedLines, keywordLines: Object.fromEntries([...keywordLines].sort()) },
  };
}

/** One value for each class. */
export function byClass<T>(make: (name: ClassName) => T): Record<ClassName, T> {
  return Object.fromEntries(classNames.map((name) => [name, make(name)])) as Record<ClassName, T>;
}
