import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, run } from "./command-line.ts";
import { smallModel, temporary } from "./small-model.ts";
import { copyOfWorkspace } from "./workspace-copy.ts";

/** Long and drawn by lot: nothing else holds it. */
const token = `hf_${randomBytes(24).toString("hex")}`;
const written = [token, Buffer.from(token).toString("base64"), encodeURIComponent(`Bearer ${token}`)];

/** A stand-in for Slurm's, which runs the elements of a script one after the other as soon as it gets it. */
const sbatch = `#!/bin/bash
set -eu
while [[ $1 == --* ]]; do shift; done
script=$1
shift
option() { sed -n "s/^#SBATCH --$1=//p" "$script"; }
id=$(($(cat "$0.jobs" 2> /dev/null || echo 0) + 1))
echo "$id" > "$0.jobs"
cd "$(option chdir)"
elements=$(option array | sed 's/%.*//; s/,/ /g; s/\\([0-9]*\\)-\\([0-9]*\\)/{\\1..\\2}/g')
for element in $(eval echo "\${elements:-0}"); do
  log=$(option output | sed "s/%A/$id/; s/%a/$element/")
  export SLURM_ARRAY_JOB_ID=$id SLURM_ARRAY_TASK_ID=$element SLURM_CPUS_PER_TASK=$(option cpus-per-task)
  bash "$script" "$@" > "$log" 2>&1
done
echo "$id"
`;

/** What every process of ours was started with, while something runs. */
function watchArguments(): { seen: Set<string>; stop: () => void } {
  const seen = new Set<string>();
  const look = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  const timer = existsSync("/proc/self/cmdline") ? setInterval(look, 100) : undefined;
  return { seen, stop: () => clearInterval(timer) };
}

/** Files below a folder in which a token stands, unpacked ones too; links are not followed. */
function filesWith(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesWith(path);
    if (!entry.isFile()) return [];
    const bytes = readFileSync(path);
    const all = bytes[0] === 0x1f && bytes[1] === 0x8b ? [bytes, gunzipSync(bytes)] : [bytes];
    return all.some((content) => written.some((text) => content.includes(text))) || path.includes(token) ? [path] : [];
  });
}

describe("a token", () => {
  let [root, home, temp, endpoint, storage] = ["", "", "", "", ""];
  let overrides: string[];
  const asked = { hub: [] as (string | undefined)[], storage: [] as (string | undefined)[] };
  const ended: Ended[] = [];
  const close: (() => void)[] = [];
  let args = new Set<string>();
  const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
    const server = createServer(answer);
    close.push(() => server.close());
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  beforeAll(async () => {
    root = await copyOfWorkspace();
    [home, temp] = [await temporary(), await temporary()];
    const small = await smallModel();
    overrides = small.overrides.map((override) =>
      override.startsWith("model.model_name=") ? "model.model_name=org/private" : override,
    );
    const send = (request: IncomingMessage, response: ServerResponse) => {
      const path = join(small.model, request.url!.split("/").at(-1)!);
      if (existsSync(path)) response.end(readFileSync(path));
      else response.writeHead(404).end();
    };
    // Another host keeps the files, as the real hub's does.
    storage = await serve((request, response) => {
      asked.storage.push(request.headers.authorization);
      send(request, response);
    });
    endpoint = await serve((request, response) => {
      asked.hub.push(request.headers.authorization);
      if (request.headers.authorization !== `Bearer ${token}`) response.writeHead(401).end();
      else if (request.url!.includes("/forbidden/")) response.writeHead(403).end(`you are ${token}`);
      else if (request.url!.endsWith(".safetensors"))
        response.writeHead(302, { location: storage + request.url! }).end();
      else send(request, response);
    });
    await mkdir(join(root, "runs"), { recursive: true });
    const { seen, stop } = watchArguments();
    const call = async (words: readonly string[], secret = token, env: NodeJS.ProcessEnv = {}) => {
      const result = await run(words, {
        root,
        env: { HF_ENDPOINT: endpoint, HF_TOKEN: secret, HF_HOME: home, TMPDIR: temp, ...env },
      });
      ended.push(result);
      return result;
    };
    await call(["sweep", "name=planted", "trainer.max_steps=1", ...overrides]);
    await call(["report", "planted"]);
    await call(["bias", "--model", "org/private", "--tests", "seat", "--out", "runs/bias", ...overrides]);
    const quick = ["finetune.limit_train=16", "finetune.epochs=1"];
    await call(["glue", "--model", "org/private", "--task", "cola", "--out", "runs/glue", ...overrides, ...quick]);
    // The environment of whoever submits goes with the jobs, and the token in it.
    const bin = await temporary();
    await writeFile(join(bin, "sbatch"), sbatch, { mode: 0o755 });
    await mkdir(join(root, "runs/queued/slurm"), { recursive: true });
    await rm(join(home, "hub"), { recursive: true });
    const slurm = ["--launcher", "slurm", "slurm.cpus=1"];
    await call(["sweep", "name=queued", "trainer.max_steps=1", ...overrides, ...slurm], token, {
      PATH: `${bin}:${process.env["PATH"]}`,
    });
    await call(["export", "runs/planted/run", "--to", "runs/exported"]);
    await call(["doctor"]);
    await call(["export", "org/forbidden", "--to", "runs/refused"]);
    await call(["export", "org/other", "--to", "runs/refused"], `${token}wrong`);
    await call(["export", "org/other", "--to", "runs/refused"], `${token}\nx: y`, { PRUNING_BIAS_DEBUG: "1" });
    await call(["train", ...overrides, `exp_name=${token}`, "--out", "runs/refused"]);
    await call(["export", "org/other", "--to", "runs/refused"], token, {
      HF_ENDPOINT: `http://user:${token}@127.0.0.1:1`,
    });
    stop();
    args = seen;
  }, 240_000);
  afterAll(() => close.forEach((end) => end()));

  it("reaches the hub, and no other host", () => {
    expect(readFileSync(join(root, "runs/planted/results.csv"), "utf8")).toContain("planted");
    expect(ended.slice(0, 6).map(({ code, stderr }) => [code, code === 0 ? "" : stderr])).toEqual(
      Array(6).fill([0, ""]),
    );
    for (const file of ["bias/bias.json", "glue/cola-42.json", "queued/run/bias.json", "queued/report.html"])
      expect(existsSync(join(root, "runs", file)), file).toBe(true);
    expect(readdirSync(join(root, "runs/queued/slurm"))).toEqual(
      expect.arrayContaining(["train.sh", expect.stringMatching(/^train-\d+_0\.log$/)]),
    );
    expect(asked.hub).toContain(`Bearer ${token}`);
    expect(asked.storage.length).toBeGreaterThan(0);
    expect(asked.storage.filter((authorization) => authorization !== undefined)).toEqual([]);
  });

  it("that is refused, wrong, no header or a setting ends in one line", () => {
    const errors = ended
      .slice(-5)
      .map(({ code, stderr }) => [code, stderr.split("\n").findLast((line) => line !== "")]);
    expect(errors).toEqual([
      [1, expect.stringContaining("answered 403: no such model, or one that needs a token")],
      [1, expect.stringContaining("answered 401: no such model, or one that needs a token")],
      [1, expect.any(String)],
      [2, expect.stringContaining("exp_name: expected a value without a token or password")],
      [1, expect.stringContaining("expected http://HOST or https://HOST as the hub's address")],
    ]);
  });

  it("is in nothing that is said", () => {
    const said = ended.map(({ stdout, stderr }) => stdout + stderr).join("\n");
    expect(said.length).toBeGreaterThan(1000);
    expect(written.filter((text) => said.includes(text))).toEqual([]);
  });

  it("is in no process's arguments", () => {
    // The one command line that was typed with a token is ours above.
    const others = [...args].filter((line) => !line.includes("exp_name="));
    expect(others.filter((line) => written.some((text) => line.includes(text)))).toEqual([]);
  });

  it("is in nothing that is written: results, caches of Nx and of the hub, reports, temporary files", async () => {
    expect(readdirSync(join(root, ".nx/cache")).length).toBeGreaterThan(0);
    expect([root, home, temp].flatMap(filesWith)).toEqual([]);
    // Whoever searches finds.
    await writeFile(join(temp, "planted"), token);
    expect(filesWith(temp)).toEqual([join(temp, "planted")]);
  });
});
