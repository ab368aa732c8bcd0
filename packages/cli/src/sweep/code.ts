import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The code that a command runs. */
export interface Code {
  /** Of all sources that the command's module reaches. */
  readonly digest: string;
  /** npm packages that they import and their `package.json` declare. */
  readonly packages: readonly string[];
}

interface Source {
  readonly text: string;
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

/**
 * The code of commands of the command line: the modules that `main.ts` imports for one, and what they import, through the
 * packages of the workspace, dynamic imports too, those of types alone not. A task hashes this and not whole packages: a
 * change to what measures must not train a model anew. `main.ts` itself only hands over settings.
 *
 * @returns what gives a command's code, by its name: `train`
 */
export function codeReader(workspaceRoot: string): (command: string) => Code {
  const sources = new Map<string, Source>();
  const codes = new Map<string, Code>();
  const main = join(workspaceRoot, MAIN);
  const declared = memo((folder: string) => declarations(workspaceRoot, folder));
  const read = (path: string): Source => {
    const known = sources.get(path);
    if (known !== undefined) return known;
    const text = readFileSync(path, "utf8");
    const found = importsOf(text);
    const locals = found.filter((name) => name.startsWith(".")).map((name) => join(dirname(path), name));
    const own = found.flatMap((name) => workspaceModule(workspaceRoot, name) ?? []);
    const { dependencies } = declared(packageFolder(workspaceRoot, path));
    const packages = found.map(packageName).filter((name) => dependencies.includes(name));
    const source = { text, imports: [...locals, ...own].filter((file) => existsSync(file)), packages };
    sources.set(path, source);
    return source;
  };
  return (command) => {
    const known = codes.get(command);
    if (known !== undefined) return known;
    const reached = new Set(entriesOf(command, read(main).text).map((name) => join(dirname(main), name)));
    for (const path of reached) for (const next of read(path).imports) reached.add(next);
    const files = [...reached].map((path) => [relative(workspaceRoot, path), read(path)] as const);
    files.sort(([a], [b]) => (a < b ? -1 : 1));
    const hash = createHash("sha256");
    for (const [path, { text }] of files) hash.update(`${path}\0${text}\0`);
    const packages = [...new Set(files.flatMap(([, source]) => source.packages))].toSorted();
    const code = { digest: hash.digest("hex").slice(0, 16), packages };
    codes.set(command, code);
    return code;
  };
}

const MAIN = "packages/cli/src/main.ts";

/** The modules that the command line imports when a command is called. */
function entriesOf(command: string, main: string): string[] {
  const action = new RegExp(`\\.command\\("${command}"[\\s\\S]*?\\n  \\}\\);`).exec(main)?.[0] ?? "";
  const entries = importsOf(action).filter((name) => name.startsWith("."));
  if (entries.length === 0) throw new Error(`${MAIN}: expected a command ${command} that imports its module, got none`);
  return entries;
}

/** Names of modules in a source; a name too many costs a run, one too few a wrong result, so any text that looks like one counts. */
export function importsOf(text: string): string[] {
  const running = text.replaceAll(/^\s*(?:import|export) type\b[^;]*?\bfrom\s*["'][^"']+["'];?/gm, "");
  const names = [
    ...running.matchAll(/["'](\.\.?\/[^"'\n]+\.[cm]?[jt]s)["']/g),
    ...running.matchAll(/(?:\bfrom|\bimport|\bimport\(|\bresolve\()\s*["']([^."'\n][^"'\n]*)["']/g),
  ];
  return [...new Set(names.map(([, name]) => name!))];
}

const SCOPE = "@pruning-bias/";

const packageName = (module: string): string => module.split("/", module.startsWith("@") ? 2 : 1).join("/");

const packageFolder = (workspaceRoot: string, path: string): string =>
  relative(workspaceRoot, path).split(/[/\\]/).slice(0, 2).join("/");

/** The file that a package of the workspace exports under a name. */
function workspaceModule(workspaceRoot: string, module: string): string | undefined {
  if (!module.startsWith(SCOPE)) return undefined;
  const name = packageName(module);
  const folder = ["packages", "tools"]
    .map((parent) => `${parent}/${name.slice(SCOPE.length)}`)
    .find((candidate) => existsSync(join(workspaceRoot, candidate, "package.json")));
  if (folder === undefined) return undefined;
  const { exports } = declarations(workspaceRoot, folder);
  const file = exports[`.${module.slice(name.length)}`];
  return typeof file === "string" ? join(workspaceRoot, folder, file) : undefined;
}

function declarations(workspaceRoot: string, folder: string) {
  const path = join(workspaceRoot, folder, "package.json");
  const { dependencies = {}, exports = {} } = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as {
        dependencies?: Record<string, string>;
        exports?: Record<string, unknown>;
      })
    : {};
  return { dependencies: Object.keys(dependencies).filter((name) => !name.startsWith(SCOPE)), exports };
}

function memo<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, compute(key));
    return known.get(key)!;
  };
}
