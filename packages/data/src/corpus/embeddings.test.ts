import { mkdtemp, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readEmbeddings, writeEmbeddings } from "./embeddings.ts";

test("embeddings come back to the bit, and a file that was cut short is refused by name", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "embeddings-")), "some.arrow");
  const embeddings = { rows: Uint32Array.of(7, 2, 9), values: Float32Array.of(1, -0, 1e-45, 0.1, 5, 6), width: 2 };
  await writeEmbeddings(path, embeddings);
  expect(await readEmbeddings(path)).toEqual(embeddings);
  await truncate(path, 100);
  await expect(readEmbeddings(path)).rejects.toThrow("some.arrow: expected an Arrow file of embeddings");
});
