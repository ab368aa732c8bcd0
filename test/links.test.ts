import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const skipped = new Set(["node_modules", ".git", ".nx", "dist", "runs", "data-cache", "coverage", "shared"]);

/** Every page of the repository. */
function pagesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesOf(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

interface Link {
  readonly text: string;
  readonly target: string;
}

/** Links of a page, without those inside of code. */
function linksOf(path: string): Link[] {
  const text = readFileSync(path, "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/\[((?:[^\][]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g)].map(([, text, target]) => ({
    text: text!,
    target: target!,
  }));
}

/** What GitHub calls a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/[`*]|\]\([^)]*\)|\[/g, "")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

const anchorsOf = (path: string): string[] =>
  [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));

/** What is wrong with a link from a page; `undefined` for nothing. Addresses of the web are not asked for. */
function fault(page: string, { target }: Link): string | undefined {
  if (/^[a-z]+:/.test(target)) return /^(https:\/\/\S+|mailto:\S+)$/.test(target) ? undefined : "is no address";
  const [path, anchor] = target.split("#") as [string, string?];
  const file = path === "" ? page : join(dirname(page), path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return "leads nowhere";
  if (anchor === undefined) return undefined;
  if (/^L\d+$/.test(anchor)) return "names a line, which moves";
  return file.endsWith(".md") && anchorsOf(file).includes(anchor) ? undefined : "has no such heading";
}

const pages = pagesOf(root).filter((path) => !relative(root, path).startsWith(".changeset"));

describe("links", () => {
  it.each(pages.map((path) => [relative(root, path), path]))("of %s lead somewhere", (_, path) => {
    const faults = linksOf(path).flatMap((link) => {
      const wrong = fault(path, link);
      return wrong === undefined ? [] : [`[${link.text}](${link.target}) ${wrong}`];
    });
    expect(faults).toEqual([]);
  });

  it("are judged: a file that is not there, a heading, a line", () => {
    const page = join(root, "README.md");
    const judged = (target: string) => fault(page, { text: "", target });
    expect(judged("packages/nowhere.ts")).toBe("leads nowhere");
    expect(judged("README.md#your-own-sweeps")).toBeUndefined();
    expect(judged("README.md#no-such")).toBe("has no such heading");
    expect(judged("package.json#L3")).toBe("names a line, which moves");
  });
});

describe("the table of formulas in docs/formulas.md", () => {
  const page = join(root, "docs/formulas.md");
  const rows = readFileSync(page, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("|") && line.includes("]("))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const links = (cell: string): Link[] =>
    [...cell.matchAll(/\[`?([^\]`]+)`?\]\(([^)]+)\)/g)].map(([, text, target]) => ({ text: text!, target: target! }));
  const read = (target: string) => readFileSync(join(dirname(page), target), "utf8");

  it("has the formulas that the paper is made of", () => {
    expect(rows.length).toBeGreaterThan(15);
  });

  it.each(rows.map((row) => [row[0]!, row] as const))(
    "%s: the code names the function, the test names the case",
    (_, row) => {
      const [, , code, test] = row as [string, string, string, string];
      const [place] = links(code);
      expect(place, code).toBeDefined();
      // A function, a constant or an entry of that name stands in the file.
      const name = place!.text.replace(/^.*\./, "");
      expect(read(place!.target)).toMatch(new RegExp(`\\b(function\\*?|const|class) ${name}\\b|^ {2}${name}[:(]`, "m"));
      expect(links(test).length, test).toBeGreaterThan(0);
      for (const { text, target } of links(test)) {
        expect(target).toMatch(/\.test\.ts$/);
        // A title, or how one begins: what `vitest -t` takes.
        expect(
          ['"', "`"].some((quote) => read(target).includes(quote + text)),
          `${target}: ${text}`,
        ).toBe(true);
      }
    },
  );
});
