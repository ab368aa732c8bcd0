/** What all campaigns take, but for how much of it. */
export interface CampaignOptions {
  /** A folder for the copy of the workspace and the record of what was tried. */
  readonly out: string;
  readonly seed: number;
  /** Of what it tries, by name; all by default. */
  readonly only?: readonly string[];
  readonly log: (line: string) => void;
}
