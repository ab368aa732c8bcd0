import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize, resolve } from "node:path";

/** A hub on this machine: serves `FOLDER/ORG/NAME/FILE` as `/ORG/NAME/resolve/REVISION/FILE`, data sets likewise. */
export function serveHub(folder: string, port = 0): Promise<{ url: string; close: () => void }> {
  const root = resolve(folder);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const found = /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(path);
    const file = found && normalize(join(root, found[1]!, found[2]!));
    const size = file?.startsWith(root) ? statSync(file, { throwIfNoEntry: false })?.size : undefined;
    if (file == null || size === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": size, etag: `"${size}"` });
    if (request.method === "HEAD") response.end();
    else createReadStream(file).pipe(response);
  });
  return new Promise((ready) => {
    server.listen(port, "127.0.0.1", () => {
      const { port: chosen } = server.address() as { port: number };
      ready({ url: `http://127.0.0.1:${chosen}`, close: () => server.close() });
    });
  });
}

if (import.meta.main) {
  const [folder = ".", port = "8765"] = process.argv.slice(2);
  const { url } = await serveHub(folder, Number(port));
  process.stdout.write(`${folder} as ${url}\n`);
}
