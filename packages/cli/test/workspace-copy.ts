import { cp, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { workspace } from "./command-line.ts";
import { temporary } from "./small-model.ts";

const parts = ["packages", "tools", "nx.json", "package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", ".gitignore"];

/** The workspace in a folder of its own, so that its experiments and runs are nobody else's. */
export async function copyOfWorkspace(): Promise<string> {
  const root = join(await temporary(), "workspace");
  await mkdir(join(root, "experiments"), { recursive: true });
  for (const part of parts) {
    await cp(join(workspace, part), join(root, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !/\/(golden|dist)(\/|$)/.test(source),
    });
  }
  await symlink(join(workspace, "node_modules"), join(root, "node_modules"));
  return root;
}
