import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { PARENT } from "./end-with-parent.ts";

const module = JSON.stringify(join(import.meta.dirname, "end-with-parent.ts"));

it("a process ends when the one that it was started for was killed, and says nothing of it to its own children", async () => {
  const child = `
    const { endWithParent } = await import(${module});
    endWithParent(process.env);
    console.log(process.pid, process.env.${PARENT});
    setInterval(() => {}, 1000);`;
  const parent = `
    const { spawn } = await import("node:child_process");
    const env = { ...process.env, ${PARENT}: String(process.pid) };
    spawn(process.execPath, ["--input-type=module", "-e", ${JSON.stringify(child)}], { env, stdio: "inherit" });`;
  const started = spawn(process.execPath, ["--input-type=module", "-e", parent], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => {
    started.stdout.on("close", resolve);
  });
  const said = await new Promise<string>((resolve) => {
    started.stdout.setEncoding("utf8").once("data", resolve);
  });
  expect(said).toMatch(/^\d+ undefined\n$/);
  started.kill("SIGKILL");
  // The child's output is the parent's: it closes when both are gone.
  await closed;
});

it("goes on where there is no such process to wait for", async () => {
  const script = `
    const { endWithParent } = await import(${module});
    for (const parent of ["", "x", "0", "-1", undefined]) endWithParent({ ${PARENT}: parent });
    setTimeout(() => console.log("done"), 700);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout).toBe("done\n");
});
