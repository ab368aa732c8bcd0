import { cp, mkdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { publishedPackages, workspace } from "./packages.ts";

const rootFiles = ["package.json", "pnpm-workspace.yaml", "LICENSE", ".changeset"];

// A private one that the others have for their tests: pnpm asks for its version.
const ORACLE = "tools/oracle";

/** Copies what is packed to a folder of its own, so that nothing is built or versioned in the workspace. */
export async function stage(into: string): Promise<void> {
  for (const file of rootFiles) await cp(join(workspace, file), join(into, file), { recursive: true });
  await mkdir(join(into, ORACLE), { recursive: true });
  await cp(join(workspace, ORACLE, "package.json"), join(into, ORACLE, "package.json"));
  const folders = [...publishedPackages().map(({ folder }) => folder), ORACLE];
  for (const { folder } of publishedPackages()) {
    await cp(join(workspace, folder), join(into, folder), { recursive: true, filter: isPacked });
    const scope = join(into, folder, "node_modules/@pruning-bias");
    await mkdir(scope, { recursive: true });
    for (const other of folders) await symlink(join(into, other), join(scope, basename(other)), "junction");
  }
}

const isPacked = (path: string): boolean => !["node_modules", "dist", "test"].includes(basename(path));
