import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The workspace that this tool is part of. */
export const workspace: string = resolve(import.meta.dirname, "../../..");

/** What this tool reads of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  /** Sources in the workspace; in a tarball what `publishConfig` has. */
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, unknown>>;
  readonly engines?: { readonly node?: string };
  readonly publishConfig: {
    readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  };
}

export interface Package {
  /** Without the scope, which is also its folder's: `pruning`. */
  readonly short: string;
  /** Relative to the workspace: `packages/pruning`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The packages that go to the registry, each after those that it depends on. */
export function publishedPackages(root: string = workspace): Package[] {
  const found = readdirSync(join(root, "packages"))
    .toSorted()
    .map((short) => ({ short, folder: `packages/${short}`, manifest: readManifest(join(root, "packages", short)) }))
    .filter(({ manifest }) => manifest.private !== true);
  const ordered: Package[] = [];
  const visit = (one: Package) => {
    if (ordered.includes(one)) return;
    for (const other of found) if (one.manifest.dependencies?.[other.manifest.name] !== undefined) visit(other);
    ordered.push(one);
  };
  for (const one of found) visit(one);
  return ordered;
}

/** The `package.json` of a folder. */
export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
