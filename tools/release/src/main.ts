import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { apiFile, apiText } from "./api.ts";
import { build } from "./build.ts";
import { pnpm } from "./command.ts";
import { pack } from "./pack.ts";
import { publishedPackages, workspace } from "./packages.ts";
import { sizes } from "./sizes.ts";
import { tryPackages } from "./try.ts";
import { unpack } from "./unpack.ts";

const commands: Record<string, (argument?: string) => Promise<void>> = {
  /** Compiles `dist` of every package. */
  build: () => build(),
  /** Leaves tarballs in a folder. */
  async pack(folder = "dist") {
    await build();
    for (const { file } of await pack(workspace, resolve(folder))) console.log(file);
  },
  /** Writes `api.md` of every package. */
  api: () =>
    packed(async (_, folders) => {
      for (const one of publishedPackages())
        await writeFile(apiFile(one), await apiText(one, folders.get(one.manifest.name)!));
    }),
  /** Prints what every package weighs, for `docs/reference/packages.md`. */
  sizes: () =>
    packed(async (tarballs, folders) => {
      for (const { name, packed, unpacked } of await sizes(tarballs, folders))
        console.log(`${name}: ${packed} kB packed, ${unpacked} kB unpacked`);
    }),
  /** Tries what a registry would hand out, on the versions of Node that are given, set apart by commas. */
  async try(nodes = "20,22,24") {
    const uplink = (await pnpm(["config", "get", "registry"], { cwd: workspace })).trim();
    for await (const { what, node, error } of tryPackages({ uplink, nodes: nodes.split(",") })) {
      console.log(`${what} on Node ${node}: ${error ?? "works"}`);
      if (error !== undefined) process.exitCode = 1;
    }
  },
};

async function packed(
  use: (tarballs: Awaited<ReturnType<typeof pack>>, folders: Awaited<ReturnType<typeof unpack>>) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "pruning-bias-release-"));
  try {
    await build();
    const tarballs = await pack(workspace, join(dir, "packed"));
    await use(tarballs, await unpack(tarballs, join(dir, "unpacked")));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const [name = "", argument] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  console.error(`error: expected ${Object.keys(commands).join(" | ")}, got ${JSON.stringify(name)}`);
  process.exitCode = 2;
} else await command(argument);
