import { open } from "node:fs/promises";
import { printable, sha256, writeWhole } from "@pruning-bias/files";
import { z } from "zod";
import { fromBfloat16, fromHalf, toBfloat16, toHalf } from "./half-floats.ts";
import { ndarray, type NDArray, sizeOf } from "./ndarray.ts";

/** A tensor as a safetensors file holds it. Half floats are kept as their 16 bits. */
export interface StoredTensor {
  /** As the file calls it: `F32`. */
  readonly dtype: StoredType;
  /** Sizes of its axes. */
  readonly shape: readonly number[];
  /** [product of the shape], row by row. */
  readonly data: StoredData;
}

export type StoredType = keyof typeof views;
export type StoredData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** What a safetensors file holds. */
export interface SafeTensors {
  /** By name. */
  readonly tensors: Record<string, StoredTensor>;
  /** Texts of its header, without the digest of `writeSafetensors`. */
  readonly metadata: Record<string, string>;
}

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors), given by path or as its bytes, [n]. Tensors are
 * views of one buffer, which is read at once; only those that are not aligned there are copied.
 *
 * @throws Error `PATH: …` where the file is missing, cut short, no safetensors file, or has changed since `writeSafetensors`;
 *   a pickle is refused by its name
 */
export async function readSafetensors(source: string | Uint8Array): Promise<SafeTensors> {
  const name = typeof source === "string" ? source : "safetensors";
  const fail = (problem: string): never => {
    throw new Error(`${name}: ${problem}`);
  };
  if (typeof source === "string" && pickles.test(source))
    fail("expected a safetensors file, got a pickle, which is never read");
  const { header, data } = typeof source === "string" ? await readParts(source, fail) : partsOf(source, fail);
  const { __metadata__: { [DIGEST]: digest, ...metadata } = {}, ...entries } = parseHeader(header, fail);
  const tensors: [name: string, tensor: StoredTensor][] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const key = printable(name);
    const {
      dtype,
      shape,
      data_offsets: [start, end],
    } = Entry.safeParse(entry).data ?? fail(`${key}: malformed entry`);
    const View = views[dtype];
    const size = sizeOf(shape) * View.BYTES_PER_ELEMENT;
    if (end - start !== size)
      fail(`${key}: expected ${size} bytes for ${dtype} [${printable(shape.join(","))}], got ${end - start}`);
    if (end > data.length) fail(`${key}: expected ${end} bytes of data, got ${data.length}: the file is cut short`);
    const part = data.subarray(start, end);
    const aligned = part.byteOffset % View.BYTES_PER_ELEMENT === 0 ? part : new Uint8Array(part);
    tensors.push([
      name,
      { dtype, shape, data: new View(aligned.buffer as ArrayBuffer, aligned.byteOffset, sizeOf(shape)) },
    ]);
  }
  if (digest !== undefined && digest !== sha256(withoutDigest(header, digest), data)) {
    fail(`expected the bytes of which its metadata have the ${DIGEST}, got others: the file is damaged`);
  }
  return { tensors: Object.fromEntries(tensors), metadata };
}

/**
 * Writes a safetensors file of tensors of [any shape], sorted by name; the file is there whole or not at all. Among its
 * metadata is the SHA-256 of all the rest, by which `readSafetensors` knows a file that was damaged.
 *
 * @throws Error `PATH: cannot be written: …`; what `safetensorsParts` throws
 */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, NDArray | StoredTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const bytes = encodeSafetensors(tensors, { ...metadata, [DIGEST]: NO_DIGEST });
  const { header, data } = partsOf(bytes, (problem) => {
    throw new Error(`${path}: ${problem}`);
  });
  const at = bytes.indexOf(`"${DIGEST}":"${NO_DIGEST}"`);
  bytes.write(sha256(header, data), at + `"${DIGEST}":"`.length, "latin1");
  await writeWhole(path, bytes);
}

/** The bytes of a safetensors file, without a digest. Throws what `safetensorsParts` throws. */
export const encodeSafetensors = (...of: Parameters<typeof safetensorsParts>): Buffer =>
  Buffer.concat(safetensorsParts(...of));

/**
 * The same in pieces, bytes [n] each, tensors as they lie in memory: what is larger than one write or one buffer may be.
 *
 * @throws RangeError for a tensor whose data are not as its shape, or one that is called `__metadata__`
 */
export function safetensorsParts(
  tensors: Record<string, NDArray | StoredTensor>,
  metadata: Record<string, string> = {},
): Uint8Array[] {
  const names = Object.keys(tensors).toSorted();
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name]!;
    if (name === "__metadata__") throw new RangeError("safetensors: expected names of tensors, got __metadata__");
    if (sizeOf(shape) !== data.length) {
      const expected = `${sizeOf(shape)} elements for [${shape.join(",")}]`;
      throw new RangeError(`safetensors: ${name}: expected ${expected}, got ${data.length}`);
    }
    header[name] = { dtype: storedTypes[dtype] ?? dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, " ");
  text.copy(padded);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  return [size, padded, ...parts];
}

/** The tensor as float32, [the same shape]; half, bfloat16 and double values are converted. */
export function toFloat32({ dtype, shape, data }: StoredTensor): NDArray {
  if (data instanceof Float32Array) return ndarray(data, shape);
  if (dtype === "F16") return ndarray(fromHalf(data as Uint16Array), shape);
  if (dtype === "BF16") return ndarray(fromBfloat16(data as Uint16Array), shape);
  return ndarray(Float32Array.from(data as ArrayLike<number | bigint>, Number), shape);
}

/**
 * A float32 array as it is stored in that type, [the same shape], rounded to the nearest. @throws TypeError for an array of
 * another type
 */
export function toStored({ shape, data }: NDArray, dtype: "F32" | "F16" | "BF16"): StoredTensor {
  if (!(data instanceof Float32Array)) throw new TypeError(`toStored: expected float32, got ${data.constructor.name}`);
  if (dtype === "F32") return { dtype, shape, data };
  return { dtype, shape, data: dtype === "F16" ? toHalf(data) : toBfloat16(data) };
}

/**
 * The tensor as int32, [the same shape], for ids and masks that are stored as 64-bit integers.
 *
 * @throws RangeError for what is no whole number of 32 bits
 */
export function toInt32({ shape, data }: StoredTensor): NDArray {
  const values = Int32Array.from(data as ArrayLike<number | bigint>, Number);
  const wrong = values.findIndex((value, at) => value !== Number(data[at]));
  if (wrong !== -1) throw new RangeError(`toInt32: expected whole numbers of 32 bits, got ${data[wrong]}`);
  return ndarray(values, shape);
}

const DIGEST = "sha256";
/** Stands where the digest will, while it is computed. */
const NO_DIGEST = "0".repeat(64);

function withoutDigest(header: Uint8Array, digest: string): Buffer {
  const text = Buffer.from(header);
  const at = digest.length === NO_DIGEST.length ? text.indexOf(`"${DIGEST}":"${digest}"`) : -1;
  if (at >= 0) text.write(NO_DIGEST, at + `"${DIGEST}":"`.length, "latin1");
  return text;
}

/** Files of Python's pickle, which run code when they are read. */
const pickles = /\.(bin|pt|pth|pkl|pickle|ckpt)$/i;

const MAX_HEADER = 100_000_000;
// One read of the system takes less than 2 GB.
const MAX_READ = 2 ** 30;

type Fail = (problem: string) => never;

/** Header and data of a file, the data in a buffer of its own: so its tensors are aligned however long the header is. */
async function readParts(path: string, fail: Fail): Promise<{ header: Uint8Array; data: Uint8Array }> {
  const file = await open(path).catch(({ code }: NodeJS.ErrnoException) =>
    fail(code === "ENOENT" ? "no such file" : `cannot be read (${code})`),
  );
  try {
    const stats = await file.stat();
    if (!stats.isFile()) fail("expected a safetensors file, got something that is none");
    const { size } = stats;
    const read = async (position: number, length: number): Promise<Buffer> => {
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length;) {
        const part = Math.min(length - done, MAX_READ);
        const { bytesRead } = await file.read(bytes, done, part, position + done);
        if (bytesRead === 0) fail(`expected ${size} bytes, got ${position + done}: the file is cut short`);
        done += bytesRead;
      }
      return bytes;
    };
    const headerSize = headerSizeOf(await read(0, Math.min(8, size)), size, fail);
    return { header: await read(8, headerSize), data: await read(8 + headerSize, size - 8 - headerSize) };
  } finally {
    await file.close();
  }
}

function partsOf(bytes: Uint8Array, fail: Fail): { header: Uint8Array; data: Uint8Array } {
  const end = 8 + headerSizeOf(bytes, bytes.length, fail);
  return { header: bytes.subarray(8, end), data: bytes.subarray(end) };
}

function headerSizeOf(start: Uint8Array, size: number, fail: Fail): number {
  if (size < 8) fail(`expected a safetensors file, got ${size} bytes`);
  const headerSize = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (headerSize > size - 8 || headerSize > MAX_HEADER) {
    fail(`expected a safetensors header of ${headerSize} bytes, got a file of ${size} bytes (cut short?)`);
  }
  return headerSize;
}

const views = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

const storedTypes: Record<string, StoredType | undefined> = { float32: "F32", int32: "I32", bool: "BOOL" };

const Size = z.number().int().nonnegative();
const Entry = z.object({
  dtype: z.enum(Object.keys(views) as [StoredType, ...StoredType[]]),
  shape: z.array(Size),
  data_offsets: z.tuple([Size, Size]),
});
const Header = z.object({ __metadata__: z.record(z.string(), z.string()).optional() }).catchall(z.unknown());

function parseHeader(bytes: Uint8Array, fail: (problem: string) => never): z.infer<typeof Header> {
  try {
    return Header.parse(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")));
  } catch {
    return fail("expected a safetensors header in JSON, got something else");
  }
}
