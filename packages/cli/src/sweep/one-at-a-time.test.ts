import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { oneAtATime } from "./one-at-a-time.ts";

const lock = async () => join(await mkdtemp(join(tmpdir(), "turn-")), "runs/.sweep");

it("those who name the same file take turns, whoever fails too, and are told for whom they wait", async () => {
  const path = await lock();
  const waits: string[] = [];
  let [inside, most] = [0, 0];
  const turn = (n: number) =>
    oneAtATime(
      path,
      async () => {
        most = Math.max(most, ++inside);
        await sleep(20);
        inside--;
        if (n === 1) throw new Error("failed");
        return n;
      },
      { who: `sweep ${n}`, onWait: (holder) => waits.push(holder), every: 5 },
    );
  const ended = await Promise.allSettled([0, 1, 2, 3].map(turn));
  expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(most).toBe(1);
  expect(waits[0]).toMatch(/^sweep \d, process \d+$/);
  expect(existsSync(path)).toBe(false);
});

it("a holder that was killed holds nothing, nor does half a file", async () => {
  const path = await lock();
  const turn = () => oneAtATime(path, async () => "done", { who: "sweep", onWait: () => {}, every: 5 });
  await turn();
  const killed = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await writeFile(path, JSON.stringify({ who: "sweep", pid: killed.pid, host: hostname() }));
  const waiting = turn();
  await sleep(50);
  killed.kill("SIGKILL");
  expect(await waiting).toBe("done");
  for (const half of ["", '{"who":']) {
    await writeFile(path, half);
    expect(await turn()).toBe("done");
  }
});

it("whoever waits can be stopped", async () => {
  const path = await lock();
  const stop = new AbortController();
  const first = oneAtATime(path, () => sleep(100), { who: "a", onWait: () => {} });
  const second = oneAtATime(path, async () => {}, {
    who: "b",
    onWait: () => stop.abort(new Error("stopped")),
    signal: stop.signal,
    every: 5,
  });
  await expect(second).rejects.toThrow("stopped");
  await first;
});
