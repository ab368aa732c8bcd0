import { mutateBytes } from "./bytes.ts";
import type { Random } from "./random.ts";

/** Texts that stand in the tree for what JSON.stringify cannot write. */
const raw: Readonly<Record<string, string>> = {
  "\u0001deep list": `${"[".repeat(60_000)}${"]".repeat(60_000)}`,
  "\u0001deep object": `${'{"a":'.repeat(60_000)}1${"}".repeat(60_000)}`,
  "\u0001infinity": "1e400",
  "\u0001long number": "9".repeat(400),
  "\u0001lone surrogate": String.raw`"\ud800"`,
};

const strange: readonly unknown[] = [
  ...[null, true, false, 0, -1, 0.5, 1e9, -1e9, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, Number.MIN_VALUE],
  ...["", " ", "0", "-1", "null", "../../outside", "/etc/hostname", "a\u0000b", "\u202e", "x".repeat(100_000)],
  ...["NaN", "Infinity", "\u001b[31m", "a\nb", "=1+1", "<script>", "${seed}", "__proto__"],
  ...[[], {}, [[]], [null], Array.from({ length: 2000 }, (_, i) => i), { toString: 1 }, { length: 1e9 }],
  ...Object.keys(raw),
];

/** Keys that mean something to JavaScript itself. */
export const ownKeys = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "length"];

type Node = Record<string, unknown> | unknown[];

/** A JSON text in which values, keys or bytes are others. */
export function mutateJson(value: unknown, random: Random): Buffer {
  const changed = structuredClone(value);
  const top = { "": changed };
  for (let left = 1 + random.below(3); left > 0; left--) change(random.pick(nodes(top)), random);
  const text = JSON.stringify(top[""]) ?? "";
  const whole = Object.entries(raw).reduce(
    (all, [name, written]) => all.replaceAll(JSON.stringify(name), written),
    text,
  );
  return random.chance(0.25) ? mutateBytes(Buffer.from(whole), random) : Buffer.from(whole);
}

function change(node: Node, random: Random): void {
  const keys = Object.keys(node);
  const key = keys.length === 0 ? "added" : random.pick(keys);
  const own = node as Record<string, unknown>;
  const put = (name: string, given: unknown): void => {
    // What is put in twice must not be one thing, which later changes would tie to itself.
    const value = structuredClone(given);
    if (Array.isArray(node) && !/^\d+$/.test(name)) node.push(value);
    else Object.defineProperty(own, name, { value, enumerable: true, configurable: true, writable: true });
  };
  const kind = random.below(6);
  if (kind === 0) delete own[key];
  else if (kind === 1) put(random.pick(ownKeys), random.pick([{ polluted: 1 }, own[key], ...strange]));
  else if (kind === 2) put(`${key}${random.pick(["", "_", "\u0000", " "])}`, own[key]);
  else put(key, random.pick(strange));
}

/** All lists and objects of a tree; large ones are seen in part. */
function nodes(value: unknown): Node[] {
  const found: Node[] = [];
  const left: unknown[] = [value];
  while (left.length > 0 && found.length < 500) {
    const node = left.pop();
    if (typeof node !== "object" || node === null) continue;
    found.push(node as Node);
    left.push(...Object.values(node).slice(0, 50));
  }
  return found;
}
