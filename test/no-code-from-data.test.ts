import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const sources = ["packages", "tools/nx-sweep"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((path) => path.endsWith(".ts") && !/node_modules|[/\\]dist[/\\]|\.test\.ts$|[/\\]test[/\\]/.test(path));
const found = (pattern: RegExp) =>
  sources.flatMap((path) =>
    readFileSync(join(root, path), "utf8")
      .split("\n")
      .flatMap((line, at) =>
        pattern.test(line) && !/^\s*(\/\/|\*)/.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [],
      ),
  );

it("there are sources to look at", () => expect(sources.length).toBeGreaterThan(150));

it("no text is run as code", () => {
  expect(
    found(/(?<![.\w])eval\(|new Function\b|(?<![.\w])Function\(|node:vm|runIn(This|New)Context|["']vm["']/),
  ).toEqual([]);
});

it("no module is loaded whose name is not in the source, but the backends that a user installs", () => {
  const dynamic = found(/(?<![.\w])(import|require)\((?!\s*["'])/).filter(
    (line) => !line.startsWith("packages/runtime/src/backends/"),
  );
  expect(dynamic).toEqual([]);
});

it("no shell runs a command of ours", () => {
  expect(
    found(
      /\bshell:\s*(true|["'`])|(?<![.\w])exec(Sync)?\(|import \{[^}]*\bexec(Sync)?\b[^}]*\} from "node:child_process"/,
    ),
  ).toEqual([]);
});
