/** A file of examples, by column. */
export interface GlueTable {
  readonly path: string;
  readonly rows: number;
  column(name: string): readonly unknown[] | undefined;
  /** The place of a row for errors: `FILE:LINE`, or `FILE, row N` from 0. */
  where(row: number): string;
}
