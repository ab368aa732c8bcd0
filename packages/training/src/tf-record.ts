/**
 * A record of TensorFlow's TFRecord format: length as a little-endian u64, its checksum, the payload, its checksum
 * (https://www.tensorflow.org/tutorials/load_data/tfrecord).
 */
export function tfRecord(payload: Uint8Array): Buffer {
  const record = Buffer.alloc(8 + 4 + payload.length + 4);
  record.writeBigUInt64LE(BigInt(payload.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(payload, 12);
  record.writeUInt32LE(maskedCrc(payload), 12 + payload.length);
  return record;
}

/** CRC-32C (Castagnoli), which is not the CRC-32 of zlib. */
export function crc32c(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1;
  return n;
});

/** Rotated and offset, so that the checksum of data that hold checksums stays sound. */
export function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
