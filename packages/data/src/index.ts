export { type EpochBatches, epochBatches } from "./batches/epoch.ts";
export {
  batchHalves,
  type BatchHalvesOptions,
  type BatchPack,
  type BatchPiece,
  batchPieces,
  type BatchPiecesOptions,
  byLength,
} from "./batches/batch-pieces.ts";
export { dealt } from "./batches/dealt.ts";
export { bucket, buckets, padBatch, type PaddedBatch, paddedWidth, type PadOptions } from "./batches/pad.ts";
export { readSentences, writeSentences } from "./corpus/arrow.ts";
export { type Classified, classifier, type ClassName, classNames, type ClassWords } from "./corpus/classify.ts";
export { type Embeddings, readEmbeddings, writeEmbeddings } from "./corpus/embeddings.ts";
export { type DebiasData, prepareCorpus, type PrepareOptions, type PrepareProgress } from "./corpus/prepare.ts";
export { type ClassCounts, type CorpusCounts, type Selected, selectSentences } from "./corpus/select.ts";
export { corpusTexts, type CorpusTextsOptions } from "./corpus/texts.ts";
export { concat, type Sentences, sentencesOf, take } from "./corpus/sentences.ts";
export { split, type Split, type SplitOptions } from "./corpus/split.ts";
export { readWordList, type WordList } from "./corpus/words.ts";
export { demoSides } from "./demo/corpus.ts";
export { genderSwap, readWordPairs, type Swap, type WordPair } from "./corpus/word-pairs.ts";
export { type PronounProbe, pronounProbes, pronouns } from "./demo/probes.ts";
export { type DemoFiles, type DemoOptions, writeDemo } from "./demo/write.ts";
export { download, type DownloadOptions, type Fetch, isUrl } from "./files/download.ts";
export { downloadGlue, type DownloadGlueOptions } from "./glue/download.ts";
export { prepareGlue, type PrepareGlueOptions } from "./glue/prepare.ts";
export { type GlueExamples, readGlue } from "./glue/read.ts";
export { type GlueTask, type GlueTaskInfo, glueTasks } from "./glue/tasks.ts";
export { firstExamples, type GlueTokens, tokenizeGlue } from "./glue/tokens.ts";
export { type CrowsPair, readCrowsPairs } from "./intrinsic/crows-pairs.ts";
export { downloadTest, type DownloadTestOptions } from "./intrinsic/download.ts";
export { type PublishedFile, type PublishedTest, publishedTests } from "./intrinsic/published.ts";
export {
  readStereoSet,
  type StereoSetExample,
  type StereoSetLabel,
  stereoSetLabels,
  type StereoSetSentence,
} from "./intrinsic/stereoset.ts";
export { readWinoBias, type WinoBiasPair } from "./intrinsic/winobias.ts";
export { readSeat, type SeatSet, type SeatTest, writeSeat } from "./seat/seat.ts";
export { readLines } from "./text/lines.ts";
export { pieces } from "./text/pieces.ts";
export { loadTokenizer, type Tokenizer, type TokenizerOptions } from "./tokenizer/tokenizer.ts";
export { wordPieceJson } from "./tokenizer/word-piece.ts";
