import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const own = "@pruning-bias/";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string | { readonly type: string };
  readonly licenses?: readonly { readonly type: string }[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

const projects = [
  root,
  ...["packages", "tools", "examples"]
    .map((folder) => join(root, folder))
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))),
  join(root, "bench"),
].filter((folder) => existsSync(join(folder, "package.json")));

/** Everything that pnpm has installed. */
function installed(): Manifest[] {
  const store = join(root, "node_modules/.pnpm");
  const found = readdirSync(store).flatMap((entry) => {
    const modules = join(store, entry, "node_modules");
    if (entry === "node_modules" || !existsSync(modules)) return [];
    const names = readdirSync(modules)
      .filter((name) => !name.startsWith("."))
      .flatMap((name) =>
        name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
      );
    // Beside a package stand links to what it needs.
    const self = names.find((name) => entry.startsWith(`${name.replace("/", "+")}@`));
    return self === undefined ? [] : [manifest(join(modules, self))];
  });
  return found.filter(({ name }) => !name.startsWith(own));
}

const licenceOf = ({ license, licenses }: Manifest): string =>
  (typeof license === "object" ? license.type : license) ?? licenses?.map(({ type }) => type).join(" OR ") ?? "none";

const allowed = new Set([
  ...["MIT", "Apache-2.0", "Apache-2.0 AND MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "BlueOak-1.0.0"],
  ...["CC0-1.0", "(MIT OR CC0-1.0)", "Unlicense", "Python-2.0"],
  // One of two, of which we take the one above.
  ...["(MIT OR Apache-2.0)", "(AFL-2.1 OR BSD-3-Clause)", "WTFPL OR ISC", "(WTFPL OR MIT)"],
]);
/** Under other licences; used as they are, by tests alone. */
const exceptions: Readonly<Record<string, string>> = {
  "@img/sharp-libvips-": "LGPL-3.0-or-later",
  lightningcss: "MPL-2.0",
  "truncate-utf8-bytes": "WTFPL",
};

describe("dependencies", () => {
  const page = readFileSync(join(root, "docs/dependencies.md"), "utf8");
  const listed = page
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| package "))
    .flatMap((line) =>
      line
        .split("|")[1]!
        .split(",")
        .map((name) => name.trim()),
    );

  it("are listed, each with a reason, and none that is not there", () => {
    const direct = projects.flatMap((folder) => {
      const { dependencies, devDependencies, optionalDependencies } = manifest(folder);
      return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    });
    const others = [...new Set(direct.filter((name) => !name.startsWith(own)))];
    expect(listed.toSorted()).toEqual(others.toSorted());
  });

  it("are of exact versions", () => {
    const loose = projects.flatMap((folder) => {
      const { dependencies, devDependencies, optionalDependencies } = manifest(folder);
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
        ([name, version]) => !name.startsWith(own) && !/^(npm:.*@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
      );
    });
    expect(loose).toEqual([]);
  });

  it("are under licences that ours allows", () => {
    const all = installed();
    expect(all.length).toBeGreaterThan(100);
    const bad = all
      .filter((found) => !allowed.has(licenceOf(found)))
      .filter(
        (found) =>
          !Object.entries(exceptions).some(
            ([name, licence]) => found.name.startsWith(name) && licenceOf(found) === licence,
          ),
      );
    expect(bad.map((found) => `${found.name} ${found.version}: ${licenceOf(found)}`)).toEqual([]);
  });

  it("run no install scripts but those that are named", () => {
    const settings = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
    const named = /^onlyBuiltDependencies:\n((?: {2}- .*\n)*)/m.exec(settings)![1]!.match(/[^\s-]\S*/g);
    expect(named).toEqual(["nx"]);
    expect(settings).not.toMatch(/dangerouslyAllowAllBuilds|neverBuiltDependencies|ignoreScripts: false/);
    const hooks = ["preinstall", "install", "postinstall"];
    const scripted = installed().filter(({ scripts = {} }) => hooks.some((hook) => hook in scripts));
    // Whoever comes with a new one is looked at here.
    expect([...new Set(scripted.map(({ name }) => name))].toSorted()).toEqual([
      "core-js",
      "nx",
      "onnxruntime-node",
      "protobufjs",
    ]);
    const ours = projects.filter((folder) =>
      [...hooks, "prepare"].some((hook) => hook in (manifest(folder).scripts ?? {})),
    );
    expect(ours).toEqual([]);
  });
});
