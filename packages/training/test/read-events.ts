import { readFile } from "node:fs/promises";
import { maskedCrc } from "../src/tf-record.ts";

/** A value of an event file, as TensorBoard would show it. */
export interface LoggedValue {
  readonly tag: string;
  readonly step: number;
  readonly scalar?: number;
  readonly text?: string;
  readonly histogram?: { min: number; max: number; count: number; sum: number; limits: number[]; counts: number[] };
}

export interface Events {
  readonly version: string;
  /** Steps from which on a session started anew. */
  readonly starts: number[];
  readonly values: LoggedValue[];
}

/** Reads an event file, each record's length and payload checked against their checksums. */
export async function readEvents(path: string): Promise<Events> {
  const file = await readFile(path);
  const values: LoggedValue[] = [];
  const starts: number[] = [];
  let version = "";
  for (const payload of records(file)) {
    const event = fields(payload);
    const step = number(event, 2) ?? 0;
    if (event.has(3)) version = text(event, 3);
    for (const session of all(event, 7)) if (number(fields(session), 1) === 1) starts.push(step);
    for (const summary of all(event, 5)) {
      for (const value of all(fields(summary), 1)) values.push(valueOf(fields(value), step));
    }
  }
  return { version, starts, values };
}

function* records(file: Buffer): Generator<Buffer> {
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    if (file.readUInt32LE(at + 8) !== maskedCrc(file.subarray(at, at + 8))) throw new Error(`${at}: bad length`);
    const payload = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(at + 12 + length) !== maskedCrc(payload)) throw new Error(`${at}: bad payload`);
    yield payload;
    at += 16 + length;
  }
}

type Fields = Map<number, (number | Buffer)[]>;

function fields(buffer: Buffer): Fields {
  const found: Fields = new Map();
  let at = 0;
  const base128 = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = buffer[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < buffer.length) {
    const key = base128();
    const type = key & 7;
    const size = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? base128() : 0;
    const own = buffer.subarray(at, at + size);
    const value = type === 0 ? base128() : type === 1 ? own.readDoubleLE() : type === 5 ? own.readFloatLE() : own;
    at += size;
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  return found;
}

const all = (of: Fields, field: number): Buffer[] => (of.get(field) ?? []) as Buffer[];
const number = (of: Fields, field: number) => of.get(field)?.[0] as number | undefined;
const text = (of: Fields, field: number) => String(of.get(field)![0]);
const doubles = (of: Fields, field: number) => {
  const [bytes] = all(of, field);
  return Array.from({ length: bytes!.length / 8 }, (_, i) => bytes!.readDoubleLE(8 * i));
};

function valueOf(value: Fields, step: number): LoggedValue {
  const base = { tag: text(value, 1), step };
  if (value.has(2)) return { ...base, scalar: number(value, 2)! };
  if (value.has(8)) return { ...base, text: text(fields(all(value, 8)[0]!), 8) };
  const own = fields(all(value, 5)[0]!);
  const [min, max, count, sum] = [1, 2, 3, 4].map((field) => number(own, field)!) as [number, number, number, number];
  return { ...base, histogram: { min, max, count, sum, limits: doubles(own, 6), counts: doubles(own, 7) } };
}
