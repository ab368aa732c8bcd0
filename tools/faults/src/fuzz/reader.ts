import type { Random } from "./random.ts";

/** A malformed input, written down where its reader finds it. */
export interface Case {
  /** Reads it; returns anything, or throws the one-line error. */
  read(): Promise<unknown>;
  /** One of these must stand in the error: the file's path, the setting's key. Any place will do where it is left out. */
  readonly places?: readonly string[];
}

/** Something of the software that reads what others wrote. */
export interface Reader {
  readonly name: string;
  /** Makes whole inputs in an empty folder, once; then malformed ones of them. */
  prepare(folder: string): Promise<(random: Random) => Promise<Case>>;
}
