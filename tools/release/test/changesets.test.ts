import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build, pnpm, publishedPackages, readManifest, stage, version, workspace } from "../src/index.ts";

const changesets = readdirSync(join(workspace, ".changeset")).filter((name) => /^(?!README).*\.md$/.test(name));

describe("changesets", () => {
  it.runIf(changesets.length > 0).each(changesets)("%s names packages and says what users see", (name) => {
    const text = readFileSync(join(workspace, ".changeset", name), "utf8");
    const [, head = "", body = ""] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(text) ?? [];
    const names = [...head.matchAll(/^"?([^"\n:]+)"?: (major|minor|patch)$/gm)].map(([, named]) => named!);
    const known = new Set(publishedPackages().map(({ manifest }) => manifest.name));
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((named) => !known.has(named))).toEqual([]);
    expect(body.trim().length).toBeGreaterThan(20);
  });
});

describe.runIf(changesets.length > 0)("a release", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "pruning-bias-release-"));
    await stage(dir);
    await version(dir);
  }, 120_000);
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  it("gives every package the same new version and tells what changed", () => {
    const versions = publishedPackages(dir).map(({ manifest }) => manifest.version);
    const before = publishedPackages()[0]!.manifest.version;
    expect(new Set(versions).size).toBe(1);
    expect(versions[0]).not.toBe(before);
    for (const { folder } of publishedPackages(dir)) {
      const log = readFileSync(join(dir, folder, "CHANGELOG.md"), "utf8");
      expect(log).toContain(`## ${versions[0]}`);
    }
    for (const name of changesets) expect(existsSync(join(dir, ".changeset", name)), name).toBe(false);
  });

  it("would publish them all, with each other under their new versions", async () => {
    await build(dir);
    // A registry that has nothing yet.
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${decodeURIComponent(request.url ?? "")}`);
      response.writeHead(404, { "content-type": "application/json" }).end("{}");
    });
    const port = await new Promise<number>((ready) => {
      server.listen(0, "127.0.0.1", () => ready((server.address() as { port: number }).port));
    });
    const line = ["--recursive", "--filter", "./packages/*", "publish", "--dry-run", "--no-git-checks"];
    await pnpm([...line, "--registry", `http://127.0.0.1:${port}/`], { cwd: dir }).finally(() => server.close());
    expect(asked.filter((one) => !one.startsWith("GET "))).toEqual([]);
    for (const { manifest } of publishedPackages(dir)) expect(asked).toContain(`GET /${manifest.name}`);
    const tarball = join(dir, "one.tgz");
    await pnpm(["pack", "--out", tarball], { cwd: join(dir, "packages/pruning") });
    const { stdout } = await promisify(execFile)("tar", ["-xzOf", tarball, "package/package.json"]);
    const own = Object.entries((JSON.parse(stdout) as { dependencies: Record<string, string> }).dependencies).filter(
      ([name]) => name.startsWith("@pruning-bias/"),
    );
    const { version: released } = readManifest(join(dir, "packages/pruning"));
    // pnpm packs them in no order.
    expect(own.toSorted()).toEqual([
      ["@pruning-bias/files", released],
      ["@pruning-bias/model", released],
      ["@pruning-bias/runtime", released],
    ]);
  }, 180_000);
});
