import { mutateBytes } from "./bytes.ts";
import type { Random } from "./random.ts";

const pieces = [
  ...[
    "",
    " ",
    "\t",
    "\t\t\t",
    '"',
    '""',
    "'",
    ",",
    ";",
    "\\",
    "\u0000",
    "\ufeff",
    "\u2028",
    "\u0085",
    "\r",
    "[",
    "]",
    "[]",
  ],
  ...[
    "=1+1",
    "-1",
    "1e999",
    "NaN",
    "__proto__",
    "constructor",
    "\u001b[2J",
    "\ud83d",
    "\u{1f600}",
    "x".repeat(200_000),
  ],
  ...["a".repeat(5000).split("").join(" "), "[she]", "BLANK", "<b>", "${seed}", "../..", "%s%n"],
];

/** Text, a line of which is missing, twice there, in another place, or holds what it should not. */
export function mutateLines(text: string, random: Random): Buffer {
  const lines = text.split("\n");
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(lines.length);
    const line = lines[at] ?? "";
    const cut = random.below(line.length + 1);
    const kind = random.below(6);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(at, 0, line);
    else if (kind === 2) lines.splice(random.below(lines.length + 1), 0, random.pick(pieces));
    else if (kind === 3) lines[at] = line.slice(0, cut);
    else lines[at] = line.slice(0, cut) + random.pick(pieces) + line.slice(cut);
  }
  const changed = Buffer.from(lines.join(random.pick(["\n", "\n", "\n", "\r\n", "\r"])));
  return random.chance(0.25) ? mutateBytes(changed, random) : changed;
}
