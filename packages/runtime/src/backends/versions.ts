import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Version of a package that this one depends on. */
export function versionOf(name: "onnxruntime-node" | "@tensorflow/tfjs"): string {
  return (JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")) as { version: string }).version;
}

/** Folder of such a package; both keep their main file in `dist/`. */
export const folderOf = (name: "onnxruntime-node" | "@tensorflow/tfjs"): string =>
  dirname(dirname(require.resolve(name)));
