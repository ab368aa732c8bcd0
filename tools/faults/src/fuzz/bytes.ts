import type { Random } from "./random.ts";

/** Numbers at which lengths, counts and offsets go wrong. */
const edges = [0n, 1n, -1n, 127n, 128n, 255n, 65_535n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n];

type Change = (bytes: Buffer, random: Random) => Buffer;

const changes: readonly Change[] = [
  function flipBit(bytes, random) {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
    return changed;
  },
  function setByte(bytes, random) {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
    return changed;
  },
  function setNumber(bytes, random) {
    const changed = Buffer.from(bytes);
    const size = random.pick([2, 4, 8]);
    if (changed.length < size) return changed;
    const number = Buffer.alloc(8);
    number.writeBigInt64LE(BigInt.asIntN(64, random.pick(edges)));
    if (random.chance(0.2)) number.subarray(0, size).reverse();
    number.copy(changed, random.below(changed.length - size + 1), 0, size);
    return changed;
  },
  /** Headers and footers are where lengths stand. */
  function setNumberAtAnEnd(bytes, random) {
    const changed = Buffer.from(bytes);
    if (changed.length < 40) return changed;
    const at = random.chance(0.5) ? random.below(32) : changed.length - 8 - random.below(32);
    changed.writeBigInt64LE(BigInt.asIntN(64, random.pick(edges)), at);
    return changed;
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.below(Math.min(bytes.length, 64) + 1)),
  (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(64))]),
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(16)), bytes.subarray(at)]);
  },
  function remove(bytes, random) {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(32))]);
  },
  function repeat(bytes, random) {
    const from = random.below(bytes.length + 1);
    const part = bytes.subarray(from, from + 1 + random.below(256));
    return Buffer.concat([
      bytes.subarray(0, from),
      ...Array<Buffer>(1 + random.below(8)).fill(part),
      bytes.subarray(from),
    ]);
  },
  (_, random) => random.bytes(random.below(200)),
  () => Buffer.alloc(0),
];

/** A file's bytes with one to four things wrong. */
export function mutateBytes(bytes: Uint8Array, random: Random): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) changed = random.pick(changes)(changed, random);
  return changed;
}
