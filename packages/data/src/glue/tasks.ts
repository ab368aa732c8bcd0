/** One task of GLUE (Wang et al. 2019) as the hub's `nyu-mll/glue` holds it. */
export interface GlueTaskInfo {
  /** The columns with the text, or the two texts, of an example. */
  readonly columns: readonly [string] | readonly [string, string];
  /** Classes; 1 is a regression. */
  readonly labels: number;
  /** Validation splits: two for MNLI. */
  readonly validation: readonly string[];
}

/** The nine tasks. */
export const glueTasks = {
  cola: { columns: ["sentence"], labels: 2, validation: ["validation"] },
  sst2: { columns: ["sentence"], labels: 2, validation: ["validation"] },
  mrpc: { columns: ["sentence1", "sentence2"], labels: 2, validation: ["validation"] },
  stsb: { columns: ["sentence1", "sentence2"], labels: 1, validation: ["validation"] },
  qqp: { columns: ["question1", "question2"], labels: 2, validation: ["validation"] },
  mnli: {
    columns: ["premise", "hypothesis"],
    labels: 3,
    validation: ["validation_matched", "validation_mismatched"],
  },
  qnli: { columns: ["question", "sentence"], labels: 2, validation: ["validation"] },
  rte: { columns: ["sentence1", "sentence2"], labels: 2, validation: ["validation"] },
  wnli: { columns: ["sentence1", "sentence2"], labels: 2, validation: ["validation"] },
} as const satisfies Record<string, GlueTaskInfo>;

export type GlueTask = keyof typeof glueTasks;
