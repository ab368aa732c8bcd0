import { loadTokenizer, prepareCorpus, take } from "@pruning-bias/data";
import { loadCheckpoint } from "@pruning-bias/model";
import { fromNnPruning, undecided, headsOpen } from "@pruning-bias/pruning";
import { fineprune } from "./index.ts";
const S = "/work/shared/data";
const dir = S + "/hub/sentence-transformers/all-MiniLM-L6-v2";
let t = performance.now(); const lap = (w: string) => { console.log(w, ((performance.now() - t)/1000).toFixed(2)); t = performance.now(); };
const tokenizer = await loadTokenizer(dir); lap("tokenizer");
const data = await prepareCorpus({ corpus: S + "/corpus/corpus-en.txt.gz", words: { female: S+"/words/female.txt", male: S+"/words/male.txt", stereotype: S+"/words/stereotype.txt" }, tokenizer, seed: 42, cacheDir: "/tmp/work/cache" }); lap("data");
const checkpoint = await loadCheckpoint(dir); lap("model");
const part = (w: "train" | "validation", n?: number) => { const f = (s: any) => n ? take(s, Int32Array.from({length: Math.min(n, s.length)}, (_, i) => i)) : s; return { targets: f(data.stereotype[w]), male: f(data.male[w]), female: f(data.female[w]) }; };
const heads = process.argv[2] !== "blocks";
const pruning = fromNnPruning({ attention_block_rows: heads ? 32 : 32, attention_block_cols: heads ? 384 : 32, prune_values_only: heads, prune_attention_only: heads, mask_scores_learning_rate: heads ? .05 : .1 });
const steps = +(process.argv[3] ?? 240);
for await (const e of fineprune({ checkpoint, train: part("train"), validation: part("validation", 200), pruning, debiasMode: heads ? "sentence" : "token", lossForm: "squared_sum", batchSize: 16, maxSteps: steps, limitBatches: steps, epochs: 1, staticSentences: 1000, seed: 42, microbatch: +(process.argv[4] ?? 8) })) {
  if (e.kind === "step") { if (e.step % 10 === 0 || e.step < 4) { console.log(e.step, e.loss.toFixed(3), e.lossDebias.toFixed(3), e.lossKeep.toFixed(3), e.threshold.toFixed(4), e.openBlocks.reduce((a, b) => a + b, 0), e.tokens, "rss", (process.memoryUsage().rss / 1e6).toFixed(0)); lap("  steps"); } }
  else { if (e.kind === "validation") console.log("VALIDATION", e.step, e.loss, e.lossDebias, e.lossKeep); lap(e.kind); }
}
