import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { restartWithWarmMemory, type Restartable, warmMemory } from "../src/allocator.ts";

const source = new URL("../src/allocator.ts", import.meta.url).href;

it("a process starts again under its own number and arguments, once", () => {
  const script = `
    const { restartWithWarmMemory } = await import(${JSON.stringify(source)});
    console.log(process.pid);
    restartWithWarmMemory(process);
    console.log(process.pid, process.env.GLIBC_TUNABLES, process.argv.slice(1).join());`;
  const { GLIBC_TUNABLES: _, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script, "a", "b c"], {
    env,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  const lines = stdout.trim().split("\n");
  const pid = lines[0]!;
  const restarted = [pid, pid, `${pid} ${warmMemory} a,b c`];
  expect(lines).toStrictEqual(process.platform === "linux" ? restarted : [pid, `${pid} undefined a,b c`]);
});

it("leaves a process alone that has settings of its own, another system, or an older Node", () => {
  const started: unknown[] = [];
  const usual: Restartable = {
    ...{ platform: "linux", execPath: "/node", execArgv: ["--x"], argv: ["/node", "main.ts", "train"] },
    env: { HOME: "/home", EMPTY: undefined },
    execve: (...all) => started.push(all) as never,
  };
  restartWithWarmMemory({ ...usual, env: { GLIBC_TUNABLES: "" } });
  restartWithWarmMemory({ ...usual, platform: "darwin" });
  const { execve: __, ...older } = usual;
  restartWithWarmMemory(older);
  expect(started).toStrictEqual([]);
  restartWithWarmMemory(usual);
  const env = { HOME: "/home", GLIBC_TUNABLES: warmMemory };
  expect(started).toStrictEqual([["/node", ["/node", "--x", "main.ts", "train"], env]]);
});
