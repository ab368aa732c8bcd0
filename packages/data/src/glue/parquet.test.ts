import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { readParquet } from "./parquet.ts";

const sample = join(import.meta.dirname, "../../../../tools/faults/src/fuzz/samples/plain.parquet");

/** The page of the column `idx`: a header of 52 bytes, and 12 numbers. */
const [HEADER, PAGE, END] = [733, 785, 835];

/** The sample with a CRC-32 in the header of that page, which takes the room of what it says of the largest number. */
async function withSum(): Promise<Buffer> {
  const bytes = await readFile(sample);
  const sum = crc32(bytes.subarray(PAGE, END)) | 0;
  let rest = ((sum << 1) ^ (sum >> 31)) >>> 0;
  // Of five bytes whatever the number, as Thrift's compact protocol lets numbers be.
  const digits = Array.from({ length: 5 }, (_, n) => {
    const digit = rest & 127;
    rest >>>= 7;
    return n === 4 ? digit : digit | 128;
  });
  const header = bytes.toString("hex", HEADER, PAGE);
  const other = header
    .replace("1506156415645c", `150615641564${"15"}${Buffer.from(digits).toString("hex")}4c`)
    .replace("1c18040b0000001804", "1c2804");
  expect(other.length).toBe(header.length);
  bytes.write(other, HEADER, "hex");
  return bytes;
}

test("a page with a checksum is read where that is its own, and refused in one line where a bit of it is another", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "parquet-")), "train.parquet");
  const bytes = await withSum();
  await writeFile(path, bytes);
  const numbers = async () => (await readParquet(path)).column("idx");
  expect(await numbers()).toEqual(Array.from({ length: 12 }, (_, n) => n));
  for (const bit of [0, 99, 8 * (END - PAGE) - 1]) {
    const flipped = Buffer.from(bytes);
    flipped[PAGE + (bit >> 3)]! ^= 1 << (bit & 7);
    await writeFile(path, flipped);
    await expect(numbers()).rejects.toThrow(
      /train\.parquet: expected a whole Parquet file, got a page whose CRC-32 is [0-9a-f]{8}, and not [0-9a-f]{8}$/,
    );
  }
});

test("a column that the schema does not have is refused before it is read: its error would be nobody's", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "parquet-")), "train.parquet");
  const bytes = await readFile(sample);
  const inSchema = bytes.indexOf("idx", END);
  bytes.write("idy", bytes.indexOf("idx", inSchema + 1));
  await writeFile(path, bytes);
  await expect(readParquet(path)).rejects.toThrow(/, got a column that its schema does not have$/);
});
