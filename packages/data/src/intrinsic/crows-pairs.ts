import { printable } from "@pruning-bias/files";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { checked, readTestSet } from "./text.ts";

/** Two sentences that differ in whom they speak of (Nangia et al. 2020). */
export interface CrowsPair {
  /** Counted from 0 in the file. */
  readonly row: number;
  /** The more stereotyping sentence. */
  readonly more: string;
  /** The less stereotyping sentence. */
  readonly less: string;
  /** Whether `more` shows a stereotype, or `less` goes against one. */
  readonly direction: "stereo" | "antistereo";
  /** `gender`, `race-color`, … */
  readonly biasType: string;
}

const Row = z.object({
  sent_more: z.string().min(1),
  sent_less: z.string().min(1),
  stereo_antistereo: z.enum(["stereo", "antistereo"]),
  bias_type: z.string().min(1),
});

/**
 * Reads `crows_pairs_anonymized.csv`, of which one bias type if asked for. Throws one line that names the file and the row,
 * also where no row is of that type.
 */
export async function readCrowsPairs(path: string, biasType?: string): Promise<CrowsPair[]> {
  const rows = checked(path, "CrowS-Pairs", z.array(Row), records(path, await readTestSet(path, "CrowS-Pairs")));
  const pairs = rows.map(({ sent_more, sent_less, stereo_antistereo, bias_type }, row): CrowsPair => ({
    ...{ row, more: sent_more, less: sent_less, direction: stereo_antistereo, biasType: bias_type },
  }));
  const own = pairs.filter((pair) => biasType === undefined || pair.biasType === biasType);
  if (own.length > 0) return own;
  throw new Error(`${path}: expected CrowS-Pairs${biasType === undefined ? "" : ` of type ${biasType}`}, found no row`);
}

function records(path: string, text: string): unknown[] {
  try {
    return parse(text, { columns: true, bom: true });
  } catch (error) {
    throw new Error(`${path}: expected CrowS-Pairs, got a broken CSV: ${printable((error as Error).message)}`, {
      cause: error,
    });
  }
}
