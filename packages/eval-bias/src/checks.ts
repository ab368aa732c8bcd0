import type { BootstrapOptions } from "./interval.ts";

/** Refuses associations that do not fall into X and Y, one target each at least. */
export function checkTargets(place: string, associations: Float64Array, sizeX: number): void {
  if (Number.isInteger(sizeX) && sizeX > 0 && sizeX < associations.length) return;
  throw new RangeError(`${place}: expected targets of X and of Y, got ${sizeX} of X among ${associations.length}`);
}

/** Refuses associations that are not half X's and half Y's. */
export function checkHalves(place: string, associations: Float64Array, sizeX: number): void {
  checkTargets(place, associations, sizeX);
  const sizeY = associations.length - sizeX;
  if (sizeX !== sizeY) throw new RangeError(`${place}: expected |X| = |Y|, got ${sizeX} and ${sizeY}`);
}

/** Refuses numbers of samples and levels of confidence that are none. */
export function checkSamples(place: string, { samples = 1, level = 0.95 }: BootstrapOptions): void {
  if (!(Number.isInteger(samples) && samples > 0)) {
    throw new RangeError(`${place}: expected a number of samples above 0, got ${samples}`);
  }
  if (!(level > 0 && level < 1)) throw new RangeError(`${place}: expected a level between 0 and 1, got ${level}`);
}

/** Refuses a count of hits that does not fit its total. */
export function checkHits(place: string, hits: number, total: number): void {
  if (Number.isInteger(hits) && Number.isInteger(total) && hits >= 0 && hits <= total) return;
  throw new RangeError(`${place}: expected hits of a total, got ${hits} of ${total}`);
}
