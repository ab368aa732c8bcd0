import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

/** A hub on this machine that names contents by their hash, as the real one does: `/ORG/NAME/resolve/REVISION/FILE`, and plain files. */
export function serveFiles(folder: string): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = normalize(join(folder, path.replace(/\/resolve\/[^/]+\//, "/")));
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const content = readFileSync(file);
    const etag = `"${createHash("sha256").update(content).digest("hex")}"`;
    response.writeHead(200, { "content-length": content.length, etag, "x-repo-commit": "c".repeat(40) });
    response.end(request.method === "HEAD" ? undefined : content);
  });
  return new Promise((ready) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.unref();
      ready({ url: `http://127.0.0.1:${port}`, close: () => server.close() });
    });
  });
}
