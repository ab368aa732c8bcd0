/** What a command is given by `main`: where it runs, and how it speaks. Commands print and read nothing else. */
export interface Context {
  /** The workspace: relative paths of settings start here. */
  readonly root: string;
  /** A line for people. */
  readonly log: (line: string) => void;
  /** Where a long run stands. */
  readonly progress: (state: Progress) => void;
  readonly hub: HubAccess;
  readonly machine: Machine;
  readonly fetch: typeof globalThis.fetch;
}

/** The Hugging Face hub, as `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and `HF_HUB_OFFLINE` say. */
export interface HubAccess {
  readonly endpoint: string;
  readonly token?: string;
  readonly cacheDir: string;
  /** Only what the cache has. */
  readonly offline: boolean;
}

/** What of the machine this process may use. */
export interface Machine {
  /** Its share of the cores, where other processes compute beside it. */
  readonly threads?: number;
  /** Folders with native TensorFlow.js. */
  readonly native: readonly string[];
}

export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** `loss 0.4312`. */
  readonly detail?: string;
}
