import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startRegistry } from "../src/index.ts";

const nowhere = "http://127.0.0.1:1/";
const folder = () => mkdtemp(join(tmpdir(), "registry-"));
const isThere = (url: string) =>
  fetch(`${url}-/ping`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Looks until nobody answers, for a minute at most. */
async function isGone(url: string): Promise<boolean> {
  for (let looks = 0; looks < 240; looks++) {
    if (!(await isThere(url))) return true;
    await sleep(250);
  }
  return false;
}

it("a registry ends with the process that started it, when that is killed", async () => {
  const module = JSON.stringify(join(import.meta.dirname, "../src/registry.ts"));
  const code = `const { startRegistry } = await import(${module});
    console.log((await startRegistry(${JSON.stringify(await folder())}, ${JSON.stringify(nowhere)})).url);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = (await once(parent.stdout, "data")) as [Buffer];
  const url = String(said).trim();
  expect(await isThere(url)).toBe(true);
  parent.kill("SIGKILL");
  expect(await isGone(url)).toBe(true);
}, 180_000);

it("a registry ends when its signal says so, as that of a test that takes too long does", async () => {
  const stop = new AbortController();
  const { url, close } = await startRegistry(await folder(), nowhere, stop.signal);
  expect(await isThere(url)).toBe(true);
  stop.abort();
  expect(await isGone(url)).toBe(true);
  await close();
}, 180_000);
