import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { readEmbeddings, writeEmbeddings } from "@pruning-bias/data";
import { makeFolder } from "@pruning-bias/files";
import type { OriginalStore } from "@pruning-bias/debias";
import type { Config } from "../config/schema.ts";
import type { Context } from "./context.ts";
import { devicesAsked, within } from "./inputs.ts";

/**
 * Embeddings of original models as Arrow files in `data_dir/originals`, which the points of a sweep share; those that were
 * not used for the longest time go when all take more than `datamodule.original_cache` bytes.
 */
export function originalFiles(
  { backend, threads, trainer, data_dir, datamodule }: Config,
  { root, log }: Pick<Context, "root" | "log">,
): OriginalStore {
  const folder = join(within(root, data_dir), "originals");
  // Other backends round otherwise.
  const devices = `-${devicesAsked(trainer) ?? "halves"}`;
  const computed = `${backend}-${threads ?? "all"}-${trainer.precision}${devices}`;
  const path = (key: string) => join(folder, `${key}-${computed}.arrow`);
  return {
    async read(key) {
      try {
        const found = await readEmbeddings(path(key));
        // Which was used last is not noted in a folder that is read-only.
        await utimes(path(key), new Date(), new Date()).catch(() => {});
        return found;
      } catch (error) {
        const missing = (error as { cause?: NodeJS.ErrnoException }).cause?.code === "ENOENT";
        if (!missing) log(`${(error as Error).message}: computing them again`);
        return undefined;
      }
    },
    async write(key, embeddings) {
      const bytes = embeddings.values.byteLength + embeddings.rows.byteLength;
      if (bytes > datamodule.original_cache) return;
      try {
        await makeFolder(folder);
        await makeRoom(folder, datamodule.original_cache - bytes);
        await writeEmbeddings(path(key), embeddings);
      } catch (error) {
        // They save time, and no result depends on them.
        log(`${(error as Error).message}: the next run computes them again`);
      }
    },
  };
}

async function makeRoom(folder: string, room: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".arrow"));
  const files = await Promise.all(names.map(async (name) => ({ name, ...(await stat(join(folder, name))) })));
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { name, size } of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= room) return;
    await rm(join(folder, name), { force: true });
    total -= size;
  }
}
