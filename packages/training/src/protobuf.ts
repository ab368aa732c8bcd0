/** Just enough of the protobuf wire format (https://protobuf.dev/programming-guides/encoding) to write messages. */
export type Field = Uint8Array;

/** A message, or any run of fields and bytes. */
export const message = (...fields: readonly Field[]): Buffer => Buffer.concat(fields);

export const varint = (field: number, value: number): Field => message(key(field, 0), base128(value));

export const double = (field: number, value: number): Field =>
  message(key(field, 1), new Uint8Array(Float64Array.of(value).buffer));

export const float = (field: number, value: number): Field =>
  message(key(field, 5), new Uint8Array(Float32Array.of(value).buffer));

/** Bytes, a text, or a message inside a message. */
export function bytes(field: number, value: Uint8Array | string): Field {
  const data = typeof value === "string" ? Buffer.from(value) : value;
  return message(key(field, 2), base128(data.length), data);
}

/** A packed list of doubles. */
export const doubles = (field: number, values: readonly number[]): Field =>
  bytes(field, new Uint8Array(Float64Array.from(values).buffer));

const key = (field: number, wireType: number): Uint8Array => base128(field * 8 + wireType);

function base128(value: number): Uint8Array {
  const out: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return Uint8Array.from([...out, value]);
}
