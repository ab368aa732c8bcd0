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
    expect(lines.filter((line) => !isThere(line))).toEqual([]);
  });

  it("takes actions of a stated version", () => {
    expect(steps.flatMap(({ uses = "@v1" }) => (/@v\d+$/.test(uses) ? [] : [uses]))).toEqual([]);
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
    const lines = [...text.matchAll(/^\s*((?:npx (?:--yes )?pnpm@|npm (?:run |test))[^\n#&]*)/gm)];
    expect(lines.map(([, line]) => line!.trim()).filter((line) => !isThere(line))).toEqual([]);
  }
});

/** A file, or a command of npm or of the workspace's pnpm whose script or program there is. */
function isThere(line: string): boolean {
  const [, own] = /^npx (?:--yes )?(pnpm@\S+ .*)$/.exec(line) ?? [];
  if (own !== undefined) {
    const [pnpm, script = ""] = own.split(" ").filter((word) => !word.startsWith("-"));
    const known =
      script === "install" || script in root.scripts || existsSync(join(workspace, "node_modules/.bin", script));
    return pnpm === root.packageManager && known;
  }
  const [, script] = /^npm (?:run )?(\S+)/.exec(line) ?? [];
  return script === undefined ? existsSync(join(workspace, line.split(" ", 1)[0]!)) : script in root.scripts;
}
