import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const main = join(import.meta.dirname, "main.ts");

/** Runs a campaign in a process of its own, as people do. */
async function campaign(...words: readonly string[]): Promise<{ code: number; said: string }> {
  const out = await mkdtemp(join(tmpdir(), "faults-"));
  return new Promise((resolve) => {
    const args = ["--expose-gc", main, ...words, "--out", out];
    execFile(process.execPath, args, (error, _, stderr) =>
      resolve({ code: (error?.code as number) ?? 0, said: stderr }),
    );
  });
}

describe.skipIf(process.platform !== "linux")("short forms of the campaigns", () => {
  it("a point after the other takes no more memory and no more files", async () => {
    const { code, said } = await campaign("soak", "--points", "12");
    expect(said.trim().split("\n").at(-1)).toMatch(/^soak: 12 faults in 1 trials, all survived$/);
    expect(code).toBe(0);
  }, 240_000);

  it("what is damaged is made again, or named", async () => {
    const { code, said } = await campaign("damage", "--flips", "1", "--only", "glue-tokens,hub-tokenizer");
    expect(said).toMatch(/^glue-tokens 0: .*: mended$/m);
    expect(said).toMatch(/^hub-tokenizer removed: /m);
    expect(said.trim().split("\n").at(-1)).toBe("damage: 4 faults in 4 trials, all survived");
    expect(code).toBe(0);
  }, 240_000);

  it("a full disk and a read-only cache are named, and nothing half is left", async () => {
    const { code, said } = await campaign("disk", "--trials", "1", "--only", "data");
    expect(said.trim().split("\n").at(-1)).toBe("disk: 3 faults in 3 trials, all survived");
    expect(code).toBe(0);
  }, 240_000);

  it("processes that are killed leave nothing half done", async () => {
    const { code, said } = await campaign("kill", "--moments", "2", "--only", "data");
    expect(said).toMatch(/^kill: \d faults in \d trials, all survived$/m);
    expect(code).toBe(0);
  }, 240_000);

  it("a campaign that is not there is refused in one line", async () => {
    expect(await campaign("fire")).toEqual({
      code: 2,
      said: 'error: faults: expected one of kill, damage, disk, sweeps, soak, got "fire"\n',
    });
  });
});
