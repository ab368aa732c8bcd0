import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder, writeWhole } from "@pruning-bias/files";
import { writeEmbeddings } from "@pruning-bias/data";
import { ndarray, writeSafetensors } from "@pruning-bias/runtime";
import { eventWriter, initialState, writeTrainingState } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { mayMount, readOnly, withTmpfs } from "./mounts.ts";

const dir = mkdtempSync(join(tmpdir(), "faults-disk-"));
const large = ndarray(new Float32Array(1e5), [1e5]);

/** What writes each kind of file, 400 kB of it. */
const writers: Readonly<Record<string, (folder: string) => Promise<unknown>>> = {
  text: (folder) => writeWhole(join(folder, "a.json"), "x".repeat(4e5)),
  Arrow: (folder) =>
    writeEmbeddings(join(folder, "a.arrow"), {
      rows: Uint32Array.of(1),
      values: large.data as Float32Array,
      width: 1e5,
    }),
  safetensors: (folder) => writeSafetensors(join(folder, "a.safetensors"), { large }),
  checkpoint: (folder) =>
    writeTrainingState(folder, { step: 1, optimizer: initialState({ large }), arrays: {}, values: {} }),
};

describe.skipIf(!mayMount(dir))(
  "without room, or without leave, what cannot be written is named and nothing is left",
  () => {
    it.each(Object.entries(writers))("%s on a full disk", async (_, write) => {
      await withTmpfs(dir, "64k", async () => {
        await expect(write(dir)).rejects.toThrow(
          /^\S*faults-disk-\S+: cannot be written: ENOSPC: no space left on device/,
        );
        expect(readdirSync(dir)).toEqual([]);
      });
    });

    it.each(Object.entries(writers))("%s in a read-only folder", async (_, write) => {
      await withTmpfs(dir, "1m", async () => {
        readOnly(dir);
        await expect(write(dir)).rejects.toThrow(
          /faults-disk-\S+: cannot be written: EROFS|EROFS: read-only file system, \w+ '\S*faults-disk-/,
        );
      });
    });

    it("a folder on a disk that can only be read", async () => {
      await withTmpfs(dir, "1m", async () => {
        readOnly(dir);
        await expect(makeFolder(join(dir, "a/b"))).rejects.toThrow(
          /^EROFS: read-only file system, mkdir '\S*faults-disk-/,
        );
      });
    });

    it("event files on a full disk", async () => {
      await withTmpfs(dir, "8k", async () => {
        const writer = await eventWriter(dir);
        writer.text("a", "x".repeat(1e5), 1);
        await expect(writer.flush()).rejects.toThrow(/events\.out\.tfevents\.\S+: cannot be written: ENOSPC/);
      });
    });
  },
);
