import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Digests of the files in a folder, by path, without what may differ between two runs. */
export type Snapshot = Readonly<Record<string, string>>;

/** What is compared of a file; `undefined` for files that are not. */
type Masked = (content: Buffer) => Buffer | string | undefined;

/**
 * What may differ between two runs of the same settings in the same folder, and nothing else: how long something took
 * (`seconds`, `tokensPerSecond`, in JSON, CSV and the report) and the digests of files that hold it, what TensorBoard's event files are called and when their
 * records were written, logs of Nx, which are full of times, and those of tasks that failed.
 */
const masks: readonly (readonly [RegExp, Masked])[] = [
  [/(^|\/)events\.out\.tfevents\.[^/]*$/, () => undefined],
  [/(^|\/)(sweep\.log|logs\/[^/]*\.log|run\.json|terminalOutputs\/[^/]*)$/, () => undefined],
  [/(^|\/)report\.html$/, (content) => content.toString("utf8").replaceAll(took, "T")],
  [/(^|\/)results\.csv$/, (content) => withoutSeconds(content.toString("utf8"))],
  [/\.sha256$/, (content) => content.toString("utf8").replaceAll(/^[0-9a-f]{64} {2}(?=.*\.(jsonl?|html|csv)$)/gm, "")],
  // How long the metrics are depends on the digits of their times, and so does the digest of where they stand.
  [
    /\/state\.json$/,
    (content) => content.toString("utf8").replaceAll(/"(seconds|metrics|sha256)":("[^"]*"|[\d.e+-]+)/g, ""),
  ],
  [
    /\.jsonl?(\.part)?$/,
    (content) => content.toString("utf8").replaceAll(/"(seconds|tokensPerSecond)":\s*[\d.e+-]+/g, '"$1":0'),
  ],
];

/** Durations, and what was computed a second, as reports tell them. */
const took =
  /\d[\d.,]*(?: ?(?:ms|s|min|h|k|M)\b)?(?: tokens\/s)?(?=[^<>]{0,12}(?:tokens\/s|<\/small>))|\b\d+(?:\.\d+)? s\b|\b\d+:\d\d(?::\d\d)?\b/g;

/** Digests of all files below a folder, links followed to files alone; `{}` where there is none. */
export function snapshot(folder: string, ignored: RegExp = /$^/): Snapshot {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = paths.toSorted().flatMap((path) => {
    const name = relative(folder, path);
    const content = ignored.test(name) ? undefined : masked(name, readFileSync(path));
    return content === undefined ? [] : [[name, createHash("sha256").update(content).digest("hex")] as const];
  });
  return Object.fromEntries(found);
}

/** What differs, in words; nothing where all is the same. */
export function differences(expected: Snapshot, got: Snapshot): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(got)])].toSorted();
  return names.flatMap((name) => {
    if (expected[name] === got[name]) return [];
    if (got[name] === undefined) return [`${name} is missing`];
    return [expected[name] === undefined ? `${name} is left over` : `${name} differs`];
  });
}

function masked(name: string, content: Buffer): Buffer | string | undefined {
  const mask = masks.find(([pattern]) => pattern.test(name))?.[1];
  return mask === undefined ? content : mask(content);
}

/** A CSV without its column `seconds`; none of ours has a line break in a field. */
function withoutSeconds(text: string): string {
  const rows = text.split("\r\n").map((line) => line.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? []);
  const at = rows[0]?.findIndex((field) => field.replace(/,$/, "") === "seconds") ?? -1;
  return rows.map((fields) => fields.filter((_, i) => i !== at).join("")).join("\r\n");
}
