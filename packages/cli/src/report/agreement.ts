import { type Agreement, countPackedPairs, weightedAgreement } from "@pruning-bias/pruning/agreement";
import { once } from "./once.ts";
import type { PointResults } from "./results.ts";

/** How far two points keep the same blocks, each counting by its weights; `undefined` where they are not over the same ones. */
export function agreement(a: PointResults, b: PointResults): Agreement | undefined {
  const [own, other] = [packed(a), packed(b)];
  if (own.length === 0 || own.length !== other.length) return undefined;
  const whole = ({ bits, total }: (typeof own)[number]) => bits !== undefined && bits.length === Math.ceil(total / 8);
  if (own.some((module, at) => module.blocks !== other[at]!.blocks || !whole(module) || !whole(other[at]!))) {
    return undefined;
  }
  return weightedAgreement(
    own.map(({ bits, total }, at) => countPackedPairs(bits!, other[at]!.bits!, total)),
    own.map(({ weights }) => weights),
  );
}

/** A point is compared with many others. */
const packed = once(({ masks }: PointResults) =>
  (masks?.modules ?? []).map(({ name, grid, mask, total, shape }) => ({
    blocks: `${name} ${grid?.join()}`,
    bits: mask === undefined ? undefined : Buffer.from(mask, "base64"),
    total,
    weights: shape === undefined ? total : shape[0] * shape[1],
  })),
);
