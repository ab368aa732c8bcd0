import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

/** A registry on this machine alone. */
export interface Registry {
  readonly url: string;
  /** npm's and pnpm's settings for it, as environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly close: () => Promise<void>;
}

/**
 * Starts a registry that keeps our packages in a folder and hands on what others have published.
 *
 * It ends with the process that started it, however that ends.
 *
 * @param uplink the registry that is asked for the packages of others
 * @param signal ends it when it is aborted
 * @throws Error where it does not answer within a minute
 */
export async function startRegistry(folder: string, uplink: string, signal?: AbortSignal): Promise<Registry> {
  await mkdir(folder, { recursive: true });
  const config = {
    storage: join(folder, "storage"),
    uplinks: { upstream: { url: uplink } },
    packages: {
      "@pruning-bias/*": { access: "$all", publish: "$all" },
      "**": { access: "$all", proxy: "upstream" },
    },
    max_body_size: "100mb",
    log: { type: "file", path: join(folder, "log"), level: "warn" },
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  await writeFile(join(folder, "config.yaml"), JSON.stringify(config)); // which is YAML too
  const npmrc = join(folder, "npmrc");
  await writeFile(npmrc, `registry=${url}\n${url.slice("http:".length)}:_authToken=anybody\n`);
  const require = createRequire(import.meta.url);
  const program = join(dirname(require.resolve("verdaccio/package.json")), "bin/verdaccio");
  const args = ["--import", WITH_PARENT, program, "--config", join(folder, "config.yaml"), "--listen", url];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "ignore"] });
  const close = () =>
    new Promise<void>((closed) => {
      if (child.exitCode !== null || child.signalCode !== null) closed();
      child.once("close", () => closed());
      child.kill();
    });
  signal?.addEventListener("abort", () => void close());
  if (signal?.aborted === true) void close();
  try {
    await answers(`${url}-/ping`);
  } catch (error) {
    await close();
    throw error;
  }
  const settings = { npm_config_registry: url, npm_config_userconfig: npmrc, npm_config_cache: join(folder, "cache") };
  return { url, close, env: { ...withoutNpm(process.env), ...settings } };
}

/** The pipe to a process closes with whoever has its other end, killed or not. */
const WITH_PARENT = 'data:text/javascript,process.stdin.on("close",()=>process.exit()).resume()';

/** What npm and pnpm tell the programs that they start would be settings for those that these start. */
const withoutNpm = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([key]) => !/^(npm_|pnpm_|NODE_AUTH|NODE_OPTIONS)/i.test(key)));

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`registry: expected an answer from ${url} within a minute, got none`);
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((found, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}
