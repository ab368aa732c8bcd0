import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Documented, documented, faultsOf } from "../src/docstrings.ts";
import { workspace } from "../src/packages.ts";

describe("docstrings of what packages export", () => {
  const all = documented();

  it("are found: of functions, classes, types, and their members", () => {
    const kinds = new Set(all.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(["function", "class", "value", "type", "member", "method"]));
    const named = new Map(all.map((one) => [one.name, one]));
    expect(named.get("debias: debiasLoss")).toMatchObject({ kind: "function", arrays: ["Tensor2D", "Tensor1D"] });
    expect(named.get("model: encode")!.arrays).toContain("Tensor3D");
    expect(named.get("runtime: gelu")!.arrays).toContain("Tensor2D");
    expect(named.get("runtime: NDArray.data")!.arrays).toContain("Float32Array");
    expect(named.get("eval-bias: holm")!.throws).toBe(true);
    expect(named.get("training: AdamWOptions.eps")).toMatchObject({ kind: "member", optional: true });
  });

  it("say what it is, shapes, errors, and what holds where an option is left out", () => {
    const faults = all.flatMap((one) => faultsOf(one).map((fault) => `${one.place}: ${one.name}: ${fault}`));
    expect(faults).toEqual([]);
  });

  it("name the source of what docs/formulas.md lists, but of what is this project's own", () => {
    const page = readFileSync(join(workspace, "docs/formulas.md"), "utf8");
    const listed = new Set([...page.matchAll(/\| \[`(\w+)`\]/g)].map(([, name]) => name!));
    const own = new Set(["compactCheckpoint", "definePruningMethod", "pronounGap"]);
    const exported = all.filter(({ name }) => listed.has(name.split(": ")[1]!));
    expect(exported.length).toBeGreaterThan(20);
    // A paper's year, the original's function, or where the formula stands.
    const silent = exported.filter(({ docstring }) => !/\b(19|20)\d\d\b|transformers|[Ss]ee `/.test(docstring));
    const names = silent.map(({ name }) => name.split(": ")[1]!);
    expect(names.filter((name) => !own.has(name))).toEqual([]);
  });

  it.each<[Partial<Documented>, string[]]>([
    [{ docstring: "" }, ["expected a sentence that says what it is"]],
    [{ docstring: "@throws Error always" }, ["expected a sentence that says what it is"]],
    [{ arrays: ["Tensor2D"] }, ["expected the shape of its Tensor2D, such as [batch, length]"]],
    [{ arrays: ["Tensor2D"], docstring: "A sum, [N]." }, []],
    [{ arrays: ["Uint8Array"], docstring: "Writes a file." }, []],
    [{ throws: true }, ["expected what it throws, and when"]],
    [{ throws: true, docstring: "Adds.\n\n@throws RangeError for nothing" }, []],
    [{ kind: "member", optional: true, name: "a: SumOptions.axis" }, ["expected what holds where it is left out"]],
    [{ docstring: "Adds.\n\n@param b [N]" }, ["expected parameters that there are, and not b"]],
  ])("%j is judged", (change, faults) => {
    const sum = { name: "a: sum", place: "a.ts:1", kind: "function", optional: false, docstring: "Adds." } as const;
    expect(faultsOf({ ...sum, arrays: [], throws: false, parameters: ["a"], ...change })).toEqual(faults);
  });
});
