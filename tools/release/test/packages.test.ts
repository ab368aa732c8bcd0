import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  apiFile,
  apiText,
  build,
  codeBlocks,
  compile,
  importsIn,
  link,
  type Manifest,
  pack,
  packageOf,
  publishedPackages,
  readManifest,
  runNode,
  type Size,
  sizes,
  stage,
  type Tarball,
  unpack,
  workspace,
} from "../src/index.ts";

let dir: string;
let tarballs: Tarball[];
let folders: Map<string, string>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "pruning-bias-packages-"));
  await stage(join(dir, "stage"));
  await build(join(dir, "stage"));
  tarballs = await pack(join(dir, "stage"), join(dir, "packed"));
  folders = await unpack(tarballs, join(dir, "unpacked"));
}, 300_000);

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** The Nodes at hand: the tests' own, and the one that started them where that is another. */
const nodes = [...new Set([process.execPath, process.env["npm_node_execpath"] ?? process.execPath])];

describe.each(publishedPackages())("the tarball of $short", (one) => {
  const { manifest } = one;
  const folder = () => folders.get(manifest.name)!;
  const manifestOf = (name: string) =>
    readManifest(folders.get(name) ?? join(workspace, one.folder, "node_modules", name));

  it("has what an importer needs, and no tests", async () => {
    const files = await readdir(folder(), { recursive: true });
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist", "src"]));
    expect(files.filter((file) => /\.test\.|tsbuildinfo|node_modules/.test(file))).toEqual([]);
    const modules = files.filter((file) => file.endsWith(".js"));
    for (const file of modules)
      expect(files).toEqual(
        expect.arrayContaining([`${file}.map`, file.replace(/\.js$/, ".d.ts"), file.replace(/\.js$/, ".d.ts.map")]),
      );
  });

  it("exports modules and declarations that are there, the same entries as in the workspace", () => {
    const { exports, bin } = readManifest(folder());
    expect(Object.keys(exports)).toEqual(Object.keys(manifest.exports));
    for (const [entry, { types, default: module }] of Object.entries(exports as Manifest["publishConfig"]["exports"])) {
      expect(module).toBe(String(manifest.exports[entry]).replace("./src/", "./dist/").replace(/\.ts$/, ".js"));
      for (const file of [types, module]) expect(existsSync(join(folder(), file)), file).toBe(true);
    }
    for (const file of Object.values(bin ?? {})) expect(readFileSync(join(folder(), file), "utf8")).toMatch(/^#!/);
  });

  it("declares what it imports, and imports what it declares", async () => {
    const imports = await importsIn(folder());
    const paths = imports.filter(({ name }) => name.startsWith("."));
    const missing = paths.filter(({ file, name }) => !existsSync(join(dirname(file), name)));
    expect(missing).toEqual([]);
    const others = new Set(imports.filter(({ name }) => !name.startsWith(".")).map(({ name }) => packageOf(name)));
    const { dependencies, peerDependenciesMeta = {} } = readManifest(folder());
    const declared = Object.keys(dependencies ?? {});
    expect([...others].filter((name) => !declared.includes(name) && !(name in peerDependenciesMeta))).toEqual([]);
    // The types of one of them may ask for it.
    const peers = new Set(declared.flatMap((name) => Object.keys(manifestOf(name).peerDependencies ?? {})));
    expect(declared.filter((name) => !others.has(name) && !peers.has(name))).toEqual([]);
  });

  it("depends on packages that run on the Node that it asks for", () => {
    const { dependencies, engines } = readManifest(folder());
    expect(engines?.node).toBe("^20.17.0 || >=22.9.0");
    for (const [name, version] of Object.entries(dependencies ?? {})) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      const range = manifestOf(name).engines?.node;
      expect(takesNode20(range), `${name} ${range}`).toBe(true);
    }
  });

  it("has source maps that lead to its sources", async () => {
    const maps = (await readdir(folder(), { recursive: true })).filter((file) => file.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(0);
    for (const file of maps) {
      const { sources } = JSON.parse(await readFile(join(folder(), file), "utf8")) as { sources: string[] };
      const [source] = sources.map((path) => relative(folder(), join(folder(), dirname(file), path)));
      expect(source).toMatch(/^src[/\\]/);
      expect(existsSync(join(folder(), source!)), `${file}: ${source}`).toBe(true);
    }
  });

  it("has the API that was reviewed: pnpm api writes it down anew", async () => {
    const stored = existsSync(apiFile(one)) ? await readFile(apiFile(one), "utf8") : "";
    expect(stored).toBe(await apiText(one, folder()));
    expect(stored.match(/\/\/ @\w+ \(undocumented\)\nexport .*/g) ?? []).toEqual([]);
  }, 180_000);

  it("has a README whose code compiles against its declarations and runs without its sources", async () => {
    const blocks = await codeBlocks(folder());
    // A command's README shows commands.
    if (manifest.bin !== undefined) return;
    expect(blocks.length).toBeGreaterThan(0);
    const project = join(dir, "projects", one.short);
    const { dependencies = {} } = readManifest(folder());
    for (const [name, place] of folders)
      if (name === manifest.name || name in dependencies) await link(place, join(project, "node_modules", name));
    for (const code of blocks) {
      const file = await compile(project, code);
      for (const node of nodes) await expect(runNode([file], { cwd: project, node })).resolves.toBeTypeOf("string");
    }
  });
});

describe("the command line, installed", () => {
  const call = (words: string[], node: string) =>
    runNode([join(folders.get("@pruning-bias/cli")!, "dist/main.js"), ...words], { cwd: dir, node });

  it.each(nodes)("helps, composes settings and lists a sweep anywhere, on %s", async (node) => {
    expect(await call(["--help"], node)).toContain("sweep");
    expect(await call(["--version"], node)).toBe(`${publishedPackages()[0]!.manifest.version}\n`);
    expect(JSON.parse(await call(["config", "experiment=demo", "--json"], node))).toMatchObject({ experiment: "demo" });
    const listed = JSON.parse(await call(["sweep", "experiment=demo", "--dry-run", "--json"], node)) as object;
    expect(listed).toMatchObject({ points: [{ folder: expect.stringMatching(/^runs\//) as string }] });
  });

  it("says in one line that a sweep's tasks need the workspace", async () => {
    await expect(call(["sweep", "experiment=demo"], process.execPath)).rejects.toThrow(
      /error: sweep: expected a clone of the repository, whose Nx keeps the tasks, got .*pruning-bias train$/,
    );
    expect(existsSync(join(dir, "experiments"))).toBe(false);
  });

  it("makes the demo's model and runs a point of it where it is called", async () => {
    const short = [
      "trainer.max_steps=2",
      "datamodule.validation_size=10",
      "pretrain.steps=2",
      "pretrain.sentences=400",
    ];
    await call(["train", "experiment=demo", ...short, "--out", "point"], process.execPath);
    expect(await readdir(join(dir, "point"))).toEqual(
      expect.arrayContaining(["summary.json", "masks.json", "scores.safetensors"]),
    );
  });
});

describe("the sizes in docs/reference/packages.md", () => {
  const page = join(workspace, "docs/reference/packages.md");
  const rows = [...readFileSync(page, "utf8").matchAll(/^\| `(@[^`]+)` *\| *([\d,]+) *\| *([\d,]+) *\|/gm)].map(
    ([, name, packed, unpacked]): Size => ({ name: name!, packed: number(packed!), unpacked: number(unpacked!) }),
  );

  it("are those of the tarballs, to a tenth", async () => {
    const measured = await sizes(tarballs, folders);
    expect(rows.map(({ name }) => name).toSorted()).toEqual(measured.map(({ name }) => name).toSorted());
    for (const { name, packed, unpacked } of measured) {
      const stated = rows.find((row) => row.name === name)!;
      expect(Math.abs(packed - stated.packed), `${name}: ${packed} kB packed`).toBeLessThan(stated.packed / 10);
      expect(Math.abs(unpacked - stated.unpacked), `${name}: ${unpacked} kB unpacked`).toBeLessThan(
        stated.unpacked / 10,
      );
    }
  });
});

const number = (text: string) => Number(text.replaceAll(",", ""));

/** Whether a range such as `^20.17.0 || >=22.9.0` takes 20.17. */
const takesNode20 = (range = "*"): boolean =>
  range.split("||").some((part) => {
    const [, sign = "", major] = /^\s*(>=|\^|~)?\s*v?(\d+|\*)/.exec(part) ?? [];
    return major === "*" || (sign === ">=" ? Number(major) <= 20 : Number(major) === 20);
  });
