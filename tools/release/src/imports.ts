import { readdir, readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";

/** What the JavaScript and the declarations of a package import, and where. */
export interface Import {
  readonly file: string;
  /** A package's name, or a path. */
  readonly name: string;
}

/** The imports of a built package, those of Node itself left out; also what it requires or resolves by a literal name. */
export async function importsIn(folder: string): Promise<Import[]> {
  const dist = join(folder, "dist");
  const names = (await readdir(dist, { recursive: true })).filter((name) => /\.(js|d\.ts)$/.test(name));
  const found = await Promise.all(
    names.map(async (file) => {
      const text = withoutComments(await readFile(join(dist, file), "utf8"));
      return [...text.matchAll(pattern)].map(([, name]) => ({ file: join(dist, file), name: name! }));
    }),
  );
  return found.flat().filter(({ name }) => !isBuiltin(name));
}

/** `@scope/name/path` is of `@scope/name`. */
export const packageOf = (name: string): string => name.split("/", name.startsWith("@") ? 2 : 1).join("/");

// Statements start lines, as `tsc` writes them: what looks like one within a text is none.
const pattern = /(?:^import |^(?:import|export)\b[^";=]*\bfrom |\bimport\(|\brequire\(|\bresolve\()"([^"\n]+)"/gm;

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
