import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runNode } from "./command.ts";
import { type Package, publishedPackages, workspace } from "./packages.ts";

/**
 * Compiles the packages' sources to `dist` of a folder: ES modules, declarations, maps. Sources import each other as
 * `.ts`, which Node runs in the workspace and refuses under `node_modules`.
 *
 * @throws Error with what `tsc` says, such as a function that the oldest Node we run on does not have
 */
export async function build(into: string = workspace): Promise<void> {
  const out = await mkdtemp(join(tmpdir(), "pruning-bias-build-"));
  try {
    const tsc = join(workspace, "node_modules/typescript/lib/tsc.js");
    await runNode([tsc, "-p", join(workspace, "tsconfig.build.json"), "--outDir", out], { cwd: workspace });
    for (const one of publishedPackages()) await place(one, out, into);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function place({ folder }: Package, out: string, into: string): Promise<void> {
  const dist = join(into, folder, "dist");
  await rm(dist, { recursive: true, force: true });
  await cp(join(out, folder, "src"), dist, { recursive: true });
  for (const name of await readdir(dist, { recursive: true })) {
    const file = join(dist, name);
    if (name.endsWith(".map")) await writeFile(file, ownSource(await readFile(file, "utf8"), name));
    if (name.endsWith(".d.ts")) await writeFile(file, asJavaScript(await readFile(file, "utf8")));
  }
}

/** A map's source is in the package itself, in `src` beside `dist`. */
function ownSource(text: string, name: string): string {
  const path = name.replaceAll("\\", "/").replace(/(\.d\.ts|\.js)\.map$/, ".ts");
  const up = "../".repeat(path.split("/").length);
  return JSON.stringify({ ...(JSON.parse(text) as object), sources: [`${up}src/${path}`] });
}

/** Declarations name the modules that are there; `tsc` leaves the sources' names in them. */
const asJavaScript = (text: string): string =>
  text.replaceAll(/(\bfrom |\bimport |\bimport\()"(\.[^"]*)\.ts"/g, '$1"$2.js"');
