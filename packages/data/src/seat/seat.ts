import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { printable, reason, writeWhole } from "@pruning-bias/files";
import { z } from "zod";

/** A set of words or sentences for one idea. */
export interface SeatSet {
  /** What the set stands for. */
  readonly category: string;
  /** Words or sentences. */
  readonly examples: readonly string[];
}

/** A WEAT or SEAT test: are the targets X and Y differently close to the attributes A and B? (May et al. 2019) */
export interface SeatTest {
  /** The file's name without its ending. */
  readonly name: string;
  /** The two sets whose closeness is asked. */
  readonly targets: { readonly X: SeatSet; readonly Y: SeatSet };
  /** The two sets that they may be close to. */
  readonly attributes: { readonly A: SeatSet; readonly B: SeatSet };
}

const StoredSet = z.object({ category: z.string(), examples: z.array(z.string()).min(1) });
const StoredTest = z.object({ targ1: StoredSet, targ2: StoredSet, attr1: StoredSet, attr2: StoredSet });

/**
 * Reads a test in sent-bias' format: one JSON object with `targ1`, `targ2`, `attr1`, `attr2`, each
 * `{ category, examples }`. Throws one line that names the file and the place in it.
 */
export async function readSeat(path: string): Promise<SeatTest> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Error(`${path}: expected a SEAT test, ${reason(error)}`, { cause: error });
  });
  const { targ1, targ2, attr1, attr2 } = parse(path, text);
  const name = basename(path).replace(/\.jsonl?$/, "");
  return { name, targets: { X: targ1, Y: targ2 }, attributes: { A: attr1, B: attr2 } };
}

/** Writes a test in the same format, atomically. */
export async function writeSeat(path: string, { targets, attributes }: Omit<SeatTest, "name">): Promise<void> {
  const file = { targ1: targets.X, targ2: targets.Y, attr1: attributes.A, attr2: attributes.B };
  await writeWhole(path, `${JSON.stringify(file, null, 2)}\n`);
}

function parse(path: string, text: string): z.infer<typeof StoredTest> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}: expected one JSON object, got ${reason(error).replace(/^got /, "")}`, { cause: error });
  }
  const { data, error } = StoredTest.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw new Error(
    `${path}: expected a SEAT test, at ${printable(issue?.path.join(".") || "its top")}: ${printable(issue?.message ?? "")}`,
  );
}
