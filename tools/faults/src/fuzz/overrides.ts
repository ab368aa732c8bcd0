import { ownKeys } from "./json.ts";
import type { Random } from "./random.ts";

/** Words of a command line after `sweep`, from a grammar of what people type and of what nobody should. */
export function overrideLine(known: readonly string[], random: Random): string[] {
  return Array.from({ length: 1 + random.below(4) }, () => override(known, random));
}

function override(known: readonly string[], random: Random): string {
  if (random.chance(0.05)) return text(random);
  return `${random.pick(["", "", "", "+", "++", " ", "~"])}${key(known, random)}${random.pick(["=", "=", "=", "=", "", "==", " = "])}${values(random)}`;
}

function key(known: readonly string[], random: Random): string {
  const name = random.pick([...known, "experiment", "experiment", "name"]);
  const kind = random.below(8);
  if (kind === 0) return `${name}.${random.pick(ownKeys)}`;
  if (kind === 1) return `${random.pick(ownKeys)}.${name}`;
  if (kind === 2) return random.pick([...ownKeys, "", ".", "..", "a..b", name.split(".")[0]!, `${name}.x`]);
  if (kind === 3) return `datamodule.seat_data.${random.pick([...ownKeys, "mine", "a b", "../x", ""])}`;
  return name;
}

const values = (random: Random): string =>
  Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => value(random, 0)).join(random.pick([",", ", ", ",,"]));

function value(random: Random, depth: number): string {
  const kind = random.below(depth > 3 ? 6 : 9);
  if (kind === 6) return `[${values(random)}]`;
  if (kind === 7) return `{"${random.pick([...ownKeys, "a"])}":${value(random, depth + 1)}}`;
  if (kind === 8) return `${random.pick(['"', "'"])}${value(random, depth + 1)}${random.pick(['"', "'", ""])}`;
  return text(random);
}

const texts = [
  ...[
    "",
    "1",
    "-1",
    "1e9",
    "1e400",
    "0x10",
    "1_000",
    ".5",
    "NaN",
    "true",
    "null",
    "~",
    "None",
    "head",
    "last",
    "token",
  ],
  ...[
    "debias_block_pruning_frozen",
    "debias_head_pruning_frozen",
    "demo",
    "glue_then_debias",
    "constructor",
    "toString",
  ],
  ...[
    "${seed}",
    "${model.model_name}",
    "${${seed}}",
    "${",
    "${__proto__}",
    "${constructor.name}",
    "$(id)",
    "`id`",
    "a;b",
  ],
  ...[
    "${experiment}${experiment}",
    "../../outside",
    "/tmp/x",
    "runs/classifiers/../../x",
    'a"b',
    "a'b",
    "a\nb",
    "\u0000",
  ],
  ...[
    "[",
    "]",
    "{",
    "}",
    "{}",
    "[]",
    "(",
    '{"a":1',
    '{"__proto__":{"polluted":1}}',
    "\ud800",
    "\u202e",
    "hf_notatokenbutlikeone00",
  ],
  ...["[".repeat(50_000), `${"[".repeat(20_000)}${"]".repeat(20_000)}`, "x".repeat(100_000), ",".repeat(3000)],
  ...["http://", "https://user:secret@host/x", "file:///etc/hostname", "http://[::1", "\\\\host\\share", "C:\\x"],
];

const text = (random: Random): string => random.pick(texts);
