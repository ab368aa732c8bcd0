import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runNode } from "./command.ts";
import { link } from "./unpack.ts";
import { workspace } from "./packages.ts";

/**
 * Writes a module of somebody who uses the packages and compiles it as they would, strictly, against the packages' declarations.
 *
 * @returns the JavaScript file
 * @throws Error with what `tsc` says, of the module or of our declarations
 */
export async function compile(folder: string, code: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await writeFile(join(folder, "main.ts"), code);
  // Some dependency may have brought it.
  const types = join(folder, "node_modules/@types/node");
  if (!existsSync(types)) await link(join(workspace, "node_modules/@types/node"), types);
  const compilerOptions = {
    ...{ module: "nodenext", target: "es2023", lib: ["es2023"], strict: true, types: ["node"], skipLibCheck: true },
    ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: false },
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  await runNode([join(workspace, "node_modules/typescript/lib/tsc.js"), "-p", folder], { cwd: folder });
  return join(folder, "main.js");
}
