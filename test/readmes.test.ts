import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const packages = ["packages", "tools"]
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  .concat("bench")
  .filter((folder) => existsSync(join(root, folder, "package.json")));

describe.each(packages)("%s", (folder) => {
  const text = existsSync(join(root, folder, "README.md")) ? readFileSync(join(root, folder, "README.md"), "utf8") : "";
  const block = /^(?:# .*\n\n)?```(\w+)\n([\s\S]*?)\n```/.exec(text);

  it("has a README that starts with code", () => {
    expect(block?.[1]).toMatch(/^(ts|sh)$/);
  });

  const code = [...text.matchAll(/^```ts\n([\s\S]*?)\n```/gm)].map(([, own], n) => [n + 1, own!] as const);
  it.each(code)("has a README whose code runs, block %d", async (n, own) => {
    // Inside the package, so that it finds what the package depends on, itself included; `dist` is ignored.
    const script = join(root, folder, "dist", `readme-${process.pid}-${n}.ts`);
    await mkdir(join(root, folder, "dist"), { recursive: true });
    await writeFile(script, own);
    try {
      await promisify(execFile)(process.execPath, [script], { cwd: root, timeout: 50_000 });
    } finally {
      await rm(script, { force: true });
    }
    expect(existsSync(script)).toBe(false);
  });
});
