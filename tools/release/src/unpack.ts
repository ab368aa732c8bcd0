import { execFile } from "node:child_process";
import { mkdir, realpath, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Tarball } from "./pack.ts";
import { readManifest, workspace } from "./packages.ts";

/**
 * Unpacks tarballs as pnpm would install them, without a registry: each package sees the dependencies that its tarball
 * declares and nothing else. What others have published is linked from the workspace.
 *
 * @returns the folder of each package, by name
 */
export async function unpack(tarballs: readonly Tarball[], into: string): Promise<Map<string, string>> {
  const folders = new Map(tarballs.map(({ name, short }) => [name, join(into, short, "node_modules", name)]));
  for (const { name, short, file } of tarballs) {
    const folder = folders.get(name)!;
    await mkdir(folder, { recursive: true });
    // A relative name: a colon in it would make another machine of it.
    await promisify(execFile)("tar", ["-xzf", file, "--strip-components=1"], { cwd: folder });
    for (const dependency of Object.keys(readManifest(folder).dependencies ?? {})) {
      const own = folders.get(dependency);
      const place = own ?? (await realpath(join(workspace, "packages", short, "node_modules", dependency)));
      await link(place, join(into, short, "node_modules", dependency));
    }
  }
  return folders;
}

/** Links a folder into another's `node_modules`. */
export async function link(folder: string, at: string): Promise<void> {
  await mkdir(dirname(at), { recursive: true });
  await symlink(folder, at, "junction");
}
