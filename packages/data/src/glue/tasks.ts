/** One task of GLUE (Wang et al. 2019) as the hub's `nyu-mll/glue` holds it. */
export interface GlueTaskInfo {
  /** The columns with the text, or the two texts, of an example. */
  readonly columns: readonly [string] | readonly [string, string];
  /** Classes; 1 is a regression. */
  readonly labels: number;
  /** What the classes are called, in the hub's order and in submissions to the benchmark. */
  readonly names?: readonly string[];
  /** Validation splits: two for MNLI. */
  readonly validation: readonly string[];
  /** Test splits, whose labels are held back, and their files in a submission to the benchmark. */
  readonly test: Readonly<Record<string, string>>;
}

/** The nine tasks. */
export const glueTasks = {
  cola: {
    columns: ["sentence"],
    labels: 2,
    names: ["unacceptable", "acceptable"],
    validation: ["validation"],
    test: { test: "CoLA.tsv" },
  },
  sst2: {
    columns: ["sentence"],
    labels: 2,
    names: ["negative", "positive"],
    validation: ["validation"],
    test: { test: "SST-2.tsv" },
  },
  mrpc: {
    columns: ["sentence1", "sentence2"],
    labels: 2,
    names: ["not_equivalent", "equivalent"],
    validation: ["validation"],
    test: { test: "MRPC.tsv" },
  },
  stsb: {
    columns: ["sentence1", "sentence2"],
    labels: 1,
    validation: ["validation"],
    test: { test: "STS-B.tsv" },
  },
  qqp: {
    columns: ["question1", "question2"],
    labels: 2,
    names: ["not_duplicate", "duplicate"],
    validation: ["validation"],
    test: { test: "QQP.tsv" },
  },
  mnli: {
    columns: ["premise", "hypothesis"],
    labels: 3,
    names: ["entailment", "neutral", "contradiction"],
    validation: ["validation_matched", "validation_mismatched"],
    test: { test_matched: "MNLI-m.tsv", test_mismatched: "MNLI-mm.tsv" },
  },
  qnli: {
    columns: ["question", "sentence"],
    labels: 2,
    names: ["entailment", "not_entailment"],
    validation: ["validation"],
    test: { test: "QNLI.tsv" },
  },
  rte: {
    columns: ["sentence1", "sentence2"],
    labels: 2,
    names: ["entailment", "not_entailment"],
    validation: ["validation"],
    test: { test: "RTE.tsv" },
  },
  wnli: {
    columns: ["sentence1", "sentence2"],
    labels: 2,
    names: ["not_entailment", "entailment"],
    validation: ["validation"],
    test: { test: "WNLI.tsv" },
  },
} as const satisfies Record<string, GlueTaskInfo>;

/** A task of GLUE (Wang et al. 2019), by its folder: `cola`. */
export type GlueTask = keyof typeof glueTasks;
