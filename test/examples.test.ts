import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeReport } from "../packages/cli/src/report/index.ts";
import { madeUpSweep } from "../packages/cli/test/made-up-sweep.ts";

const root = join(import.meta.dirname, "../examples");
const names = readdirSync(root).filter((name) => existsSync(join(root, name, "package.json")));
const read = (name: string, file: string) => readFileSync(join(root, name, file), "utf8");

/** What an example is run with here, and how it ends. */
const runs: Record<string, { args?: () => Promise<string[]>; code?: number }> = {
  "bias-audit": { code: 1 },
  "plot-a-sweep": { args: someSweep },
};

describe.each(names)("the example %s", (name) => {
  const readme = read(name, "README.md");
  const printed = /```text\n([\s\S]*?)\n```/.exec(readme)?.[1];

  it("has a README that starts with how it is run, and names every package that it imports", () => {
    expect(readme).toMatch(/^# .*\n\n```sh\n(.*\n)*?node main\.ts/);
    const { dependencies } = JSON.parse(read(name, "package.json")) as { dependencies: Record<string, string> };
    const files = readdirSync(join(root, name)).filter((file) => /(?<!\.test)\.ts$/.test(file));
    const imports = files.flatMap((file) =>
      [...read(name, file).matchAll(/from "((?:@[^/"]+\/)?[^./"][^/"]*)/g)].map(([, from]) => from!),
    );
    const foreign = [...new Set(imports)].filter((from) => !from.startsWith("node:")).toSorted();
    expect(foreign).toEqual(Object.keys(dependencies).toSorted());
  });

  it("prints what its README says, but for the last digits", { timeout: 240_000 }, async () => {
    expect(printed, "a block of text in its README").toBeDefined();
    const { args = async () => [], code = 0 } = runs[name] ?? {};
    const ended = await run(name, await args());
    expect(ended.stderr).toBe("");
    expect(ended.code).toBe(code);
    const lines = ended.stdout.trimEnd().split("\n");
    expect(lines).toEqual(printed!.split("\n").map((line) => expect.stringMatching(patternOf(line))));
  });
});

it("every example is in their table", () => {
  const table = readFileSync(join(root, "README.md"), "utf8");
  for (const name of names) expect(table).toContain(`](${name})`);
});

describe("the audit's exit code", () => {
  it.each([
    ["a threshold that nothing is above", ["--threshold", "1.99"], 0, /passed: nowhere/],
    ["no number as threshold", ["--threshold", "much"], 2, /--threshold: expected a number from 0, got much/],
    ["no such option", ["--modle", "x"], 2, /Unknown option '--modle'.*usage: node main\.ts/],
    ["a model without tests", ["--model", "x"], 2, /expected tests to measure, got none/],
    ["no such test", ["--model", root, "nowhere.jsonl"], 2, /config\.json: no such file/],
  ])("of %s", { timeout: 240_000 }, async (_, args, code, said) => {
    const ended = await run("bias-audit", args);
    expect(ended.stdout + ended.stderr).toMatch(said);
    expect(ended.code).toBe(code);
  });
});

it("the plots of a sweep that is not there say so in one line", async () => {
  const { code, stderr } = await run("plot-a-sweep", ["nowhere"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^nowhere.results\.csv: expected the results of a sweep, found none; .*\n$/);
});

/** Numbers may differ in their digits, and `…` stands for anything. */
function patternOf(line: string): RegExp {
  const escaped = line.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&").replaceAll("…", ".*");
  return new RegExp(`^${escaped.replaceAll(/-?\d+(\\\.\d+)?/g, "-?\\d+(\\.\\d+)?")}$`);
}

async function someSweep(): Promise<string[]> {
  const { runs, points } = await madeUpSweep("some", 4);
  await writeReport(runs, "some", points);
  return [join(runs, "some")];
}

function run(name: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { cwd: join(root, name), timeout: 230_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, ["main.ts", ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr });
    });
  });
}
