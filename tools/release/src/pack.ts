import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pnpm } from "./command.ts";
import { publishedPackages } from "./packages.ts";

/** A packed package. */
export interface Tarball {
  /** `@pruning-bias/pruning`. */
  readonly name: string;
  readonly short: string;
  readonly file: string;
}

/** Packs the packages of a workspace, or of a stage, whose `dist` is built. */
export async function pack(root: string, into: string): Promise<Tarball[]> {
  await mkdir(into, { recursive: true });
  await pnpm(["--recursive", "--filter", "./packages/*", "pack", "--pack-destination", into], { cwd: root });
  return publishedPackages(root).map(({ short, manifest: { name, version } }) => ({
    ...{ name, short },
    file: join(into, `${name.slice(1).replace("/", "-")}-${version}.tgz`),
  }));
}
