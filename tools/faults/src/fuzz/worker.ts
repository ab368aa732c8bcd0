import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { randomOf } from "./random.ts";
import { readers } from "./readers/index.ts";
import { complaint } from "./verdict.ts";

/** What the process that watches is told. */
export type Told =
  | { readonly kind: "ready" }
  | { readonly kind: "begins"; readonly at: number }
  | {
      readonly kind: "ends";
      readonly at: number;
      readonly refused: boolean;
      readonly complaint?: string;
      /** Largest resident memory so far, bytes. */
      readonly peak: number;
    };

/** Runs cases FROM to TO (exclusive) of a reader, in a process of its own: `READER SEED FROM TO FOLDER`. */
const [name = "", seed = "", from = "0", to = "0", folder = ""] = process.argv.slice(2);
const tell = (told: Told): Promise<void> => new Promise((done) => void process.send!(told, () => done()));
const peak = () => process.resourceUsage().maxRSS * 1024;

const reader = readers.find((own) => own.name === name);
if (reader === undefined) throw new Error(`${name}: expected a reader, one of ${readers.map((own) => own.name).join(", ")}`);
const builtIn = [Object, Array, Function, String].map((type) => [type, Object.getOwnPropertyNames(type.prototype).length] as const);
await mkdir(folder, { recursive: true });
const malformed = await reader.prepare(join(folder));
await tell({ kind: "ready" });
// An error that nobody awaits is a crash like any other: Node ends the process.
for (let at = Number(from); at < Number(to); at++) {
  await tell({ kind: "begins", at });
  const { read, places } = await malformed(randomOf(`${seed}/${name}/${at}`));
  const ended = await read().then(
    () => ({ refused: false, problem: undefined as string | undefined }),
    (error: unknown) => ({ refused: true, problem: complaint(error, places) }),
  );
  const polluted = builtIn.find(([type, count]) => Object.getOwnPropertyNames(type.prototype).length !== count);
  const problem = polluted === undefined ? ended.problem : `${polluted[0].name}.prototype was changed`;
  await tell({ kind: "ends", at, refused: ended.refused, ...(problem !== undefined && { complaint: problem }), peak: peak() });
}
process.disconnect();
