import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import { randomOf } from "./random.ts";
import { readers } from "./readers/index.ts";
import { complaint } from "./verdict.ts";

/** What this process is to do. */
export interface Order {
  readonly seed: string;
  /** Names of readers, the first from case `at` on, the others from `from`; each to case `to`, exclusive. */
  readonly readers: readonly string[];
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly folder: string;
}

/** What the process that watches is told. */
export type Told =
  | { readonly kind: "begins"; readonly reader: string; readonly at: number }
  | {
      readonly kind: "ends";
      readonly reader: string;
      readonly at: number;
      /** Ended with an error. */
      readonly refused: boolean;
      readonly complaint?: string;
      /** Largest resident memory so far, bytes. */
      readonly peak: number;
    };

const tell = (told: Told): Promise<void> => new Promise((done) => void process.send!(told, () => done()));

const builtIn = [Object, Array, Function, String];
const sizes = () => builtIn.map((type) => Object.getOwnPropertyNames(type.prototype).length).join();

/** Runs the cases of an order one after the other. An error that nobody awaits is a crash: Node ends the process. */
async function run({ seed, readers: names, at: first, from, to, folder }: Order): Promise<void> {
  const whole = sizes();
  for (const [i, name] of names.entries()) {
    const reader = readers.find((own) => own.name === name);
    if (reader === undefined)
      throw new Error(`${name}: expected a reader, one of ${readers.map((own) => own.name).join(", ")}`);
    const own = join(folder, String(i));
    await mkdir(own, { recursive: true });
    const malformed = await reader.prepare(own);
    for (let at = i === 0 ? first : from; at < to; at++) {
      await tell({ kind: "begins", reader: name, at });
      const { read, places } = await malformed(randomOf(`${seed}/${name}/${at}`));
      const ended = await read().then(
        () => ({ refused: false, problem: undefined as string | undefined }),
        (error: unknown) => ({ refused: true, problem: complaint(error, places) }),
      );
      const problem = sizes() === whole ? ended.problem : "a built-in prototype was changed";
      const peak = process.resourceUsage().maxRSS * 1024;
      await tell({
        kind: "ends",
        reader: name,
        at,
        refused: ended.refused,
        ...(problem !== undefined && { complaint: problem }),
        peak,
      });
    }
  }
}

process.once("message", (order) => {
  void run(order as Order).then(() => process.disconnect());
});
