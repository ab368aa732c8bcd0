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
    const { code, said } = await campaign("soak", "--points", "40");
    expect(said.trim().split("\n").at(-1)).toMatch(/^soak: 40 faults in 1 trials, all survived$/);
    expect(code).toBe(0);
  }, 120_000);

  it("processes that are killed leave nothing half done", async () => {
    const { code, said } = await campaign("kill", "--moments", "2", "--only", "data");
    expect(said).toMatch(/^kill: \d faults in \d trials, all survived$/m);
    expect(code).toBe(0);
  }, 240_000);

  it("a campaign that is not there is refused in one line", async () => {
    expect(await campaign("fire")).toEqual({
      code: 2,
      said: 'error: faults: expected one of kill, damage, soak, got "fire"\n',
    });
  });
});
