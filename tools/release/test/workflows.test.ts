import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { workspace } from "../src/index.ts";

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly "runs-on": string;
        readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
        readonly steps: readonly {
          readonly uses?: string;
          readonly run?: string;
          readonly with?: Readonly<Record<string, unknown>>;
        }[];
      }
    >
  >;
}

const folder = join(workspace, ".github/workflows");
const read = (name: string) => parse(readFileSync(join(folder, name), "utf8")) as Workflow;
const root = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")) as {
  readonly packageManager: string;
  readonly scripts: Readonly<Record<string, string>>;
};

describe.each(readdirSync(folder))("the workflow %s", (name) => {
  const steps = Object.values(read(name).jobs).flatMap((job) => job.steps);
  const lines = steps.flatMap(({ run, uses, with: inputs = {} }) => [
    ...(run === undefined ? [] : run.trim().split("\n")),
    ...(uses?.startsWith("changesets/") === true ? [String(inputs["version"]), String(inputs["publish"])] : []),
  ]);

  it("runs scripts that are there, with the workspace's pnpm", () => {
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expectThere(line);
  });

  it("takes actions of a stated version", () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/@v\d+$/);
  });
});

it("every change runs on three versions of Node and three systems", () => {
  const { matrix } = read("ci.yml").jobs["check"]!.strategy!;
  expect(matrix["node"]).toEqual([20, 22, 24]);
  expect(matrix["os"]).toEqual(["ubuntu-latest", "macos-latest", "windows-latest"]);
});

it("CONTRIBUTING, the README and .ci/run name scripts that are there", () => {
  for (const file of ["README.md", "CONTRIBUTING.md", ".ci/run"]) {
    const text = readFileSync(join(workspace, file), "utf8");
    for (const [, line] of text.matchAll(/^\s*((?:npx (?:--yes )?pnpm@|npm (?:run |test))[^\n#&]*)/gm))
      expectThere(line!.trim());
  }
});

/** A file, or a command of npm or of the workspace's pnpm whose script or program there is. */
function expectThere(line: string): void {
  const [, own] = /^npx (?:--yes )?pnpm@\S+ (.*)$/.exec(line) ?? [];
  if (own !== undefined) {
    expect(line).toContain(root.packageManager);
    const [script = ""] = own.split(" ").filter((word) => !word.startsWith("-"));
    const isThere = script in root.scripts || existsSync(join(workspace, "node_modules/.bin", script));
    expect(isThere || script === "install", line).toBe(true);
    return;
  }
  const [, script] = /^npm (?:run )?(\S+)/.exec(line) ?? [];
  if (script === undefined) expect(existsSync(join(workspace, line.split(" ")[0]!)), line).toBe(true);
  else expect(root.scripts, line).toHaveProperty(script);
}
