import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const shared = join(root, "../shared");

/** Where fixtures are looked for: `GOLDEN_DIR` alone when set, else the shared ones, else the repository's own copy. */
const goldenDirs =
  process.env["GOLDEN_DIR"] === undefined
    ? [join(shared, "golden"), join(import.meta.dirname, "../golden")]
    : [resolve(process.env["GOLDEN_DIR"])];

/** Real corpora, word lists, test sets and models for tests (`data/` beside the fixtures), where they are there. */
export const dataDir: string | undefined = found([join(shared, "data")], "");

/** Path of a fixture, such as `masks.json` or `models/bert`; `undefined` where it is missing. */
export const golden = (path: string): string | undefined => found(goldenDirs, path);

/** `describe` with the path of a fixture; skipped, and named, where the fixture is missing. */
export function describeGolden(title: string, fixture: string, tests: (path: string) => void): void {
  describeFound(title, golden(fixture), `golden/${fixture}`, tests);
}

/** `describe` with a path under the shared data; skipped, and named, where it is missing. */
export function describeData(title: string, path: string, tests: (path: string) => void): void {
  describeFound(title, dataDir === undefined ? undefined : found([dataDir], path), `data/${path}`, tests);
}

function describeFound(title: string, path: string | undefined, name: string, tests: (path: string) => void): void {
  if (path !== undefined) {
    describe(title, () => {
      tests(path);
    });
    return;
  }
  // A suite needs a test to be listed as skipped.
  describe.skip(`${title} (skipped: no ${name})`, () => {
    it.skip(name, () => {});
  });
}

function found(folders: readonly string[], path: string): string | undefined {
  return folders.map((folder) => join(folder, path)).find((candidate) => existsSync(candidate));
}
