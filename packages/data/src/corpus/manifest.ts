import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { hashJson, writeWhole } from "@pruning-bias/files";
import { z } from "zod";
import type { CorpusCounts } from "./select.ts";

/** What a folder of prepared sentences holds: the counts, and how long each file must be. */
export interface Manifest {
  readonly counts: CorpusCounts;
}

const count = z.int().nonnegative();
const classCounts = z.object({ kept: count, tokens: count, cut: count, maskSum: count, maskPositions: count });
const Stored = z.object({
  counts: z.object({
    lines: count,
    classLines: z.object({ male: count, female: count, stereotype: count, none: count }),
    classes: z.object({ male: classCounts, female: classCounts, stereotype: classCounts }),
    droppedLines: z.array(count),
    keywordLines: z.record(z.string(), count),
  }),
  bytes: z.record(z.string(), count),
  /** Of the rest. */
  sha256: z.string(),
});

/** Writes `manifest.json`, last of all, over files that are there already. */
export async function writeManifest(
  dir: string,
  { counts, files }: Manifest & { readonly files: readonly string[] },
): Promise<void> {
  const sizes = await Promise.all(files.map(async (file) => [file, (await stat(join(dir, file))).size]));
  const content = { counts, bytes: Object.fromEntries(sizes) as Record<string, number> };
  const stored = { ...content, sha256: hashJson(content) };
  await writeWhole(join(dir, "manifest.json"), `${JSON.stringify(stored)}\n`);
}

/** Reads it; nothing where the folder is missing, incomplete or damaged, for then it is made again. */
export async function readManifest(dir: string): Promise<Manifest | undefined> {
  try {
    const stored: unknown = JSON.parse(await readFile(join(dir, "manifest.json"), "utf8"));
    const { counts, bytes, sha256 } = Stored.parse(stored);
    const { sha256: _, ...content } = stored as z.input<typeof Stored>;
    if (sha256 !== hashJson(content)) return undefined;
    const sizes = await Promise.all(Object.keys(bytes).map(async (file) => (await stat(join(dir, file))).size));
    return Object.values(bytes).every((expected, i) => expected === sizes[i]) ? { counts } : undefined;
  } catch {
    return undefined;
  }
}
