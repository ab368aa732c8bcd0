import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { runNode } from "./command.ts";

const git = promisify(execFile);

/** Applies the changesets of a stage: new versions, and a `CHANGELOG.md` in each package. */
export async function version(stage: string): Promise<void> {
  const who = ["-c", "user.name=release", "-c", "user.email=release@localhost", "-c", "commit.gpgsign=false"];
  for (const args of [
    ["init", "--quiet", "--initial-branch=main"],
    ["add", "--all", "--force", "package.json", ".changeset", "packages"],
  ])
    await git("git", args, { cwd: stage });
  await git("git", [...who, "commit", "--quiet", "--no-verify", "-m", "before"], { cwd: stage });
  const require = createRequire(import.meta.url);
  const program = join(dirname(require.resolve("@changesets/cli/package.json")), "bin.js");
  await runNode([program, "version"], { cwd: stage });
}
