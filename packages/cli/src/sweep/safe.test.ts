import { describe, expect, it } from "vitest";
import { compose } from "../config/compose.ts";
import { parseValue, splitValues } from "../config/overrides.ts";
import { points, Sweep } from "./points.ts";
import { Slurm } from "./slurm.ts";

describe("keys of JavaScript itself", () => {
  it.each([
    "__proto__.x=1",
    "constructor.prototype.x=1",
    "model.__proto__.x=1",
    "datamodule.seat_data.__proto__=x",
    "prototype=1",
  ])("%s is no setting", (override) => {
    expect(() => compose([override])).toThrow(/expected a (known )?setting/);
    expect(({} as { x?: unknown }).x).toBe(undefined);
  });

  it.each(['{"__proto__": {"x": 1}}', '{"constructor": {"prototype": {"x": 1}}}'])(
    "in a value %s have no effect",
    (value) => {
      expect(() => compose([`model=${value}`])).toThrow(/expected/);
      expect(({} as { x?: unknown }).x).toBe(undefined);
    },
  );

  it("in a sweep file have no effect", () => {
    const read = (text: string) => Sweep.safeParse(JSON.parse(text));
    expect(read('{"base": [], "grid": {}, "__proto__": {"base": ["seed=1"]}}').success).toBe(false);
    const { data } = read('{"base": [], "grid": {"__proto__": ["1"], "seed": ["1"]}}');
    expect(points(data!).map(({ name }) => name)).toEqual(["seed=1"]);
  });
});

describe("a point's name", () => {
  it.each(["../../x", "/etc/passwd", "$(id)", "`id`", "a;b", "a\nb", "..", "<b>", "'../x'"])(
    "of the value %j is a folder's",
    (value) => {
      const [point] = points({ base: [], grid: { "model.model_name": [value] }, glue: [], where: false });
      expect(point!.name).toMatch(/^model_name=[\w.+-]+$/);
    },
  );
  it("of a strange key too, and is never too long for a file system", () => {
    const [point] = points({
      base: [],
      grid: { "datamodule.seat_data.a/../b": ["x".repeat(5000)] },
      glue: [],
      where: false,
    });
    expect(point!.name).toMatch(/^[\w.+=-]{1,200}$/);
  });
  it("is one of ten thousand at most", () => {
    const many = Array.from({ length: 200 }, (_, i) => String(i));
    expect(() => points({ base: [], grid: { a: many, b: many, c: many }, glue: [], where: false })).toThrow(
      "at most 10000 points, got 8000000",
    );
  });
});

describe("values", () => {
  it("are split by characters, whichever plane they are of", () => {
    expect(splitValues("\u{1f600}a,b")).toEqual(["\u{1f600}a", "b"]);
  });
  it("are no brackets without end, and references do not grow without end", () => {
    expect(() => parseValue("[".repeat(30_000))).toThrow("expected at most 20 brackets within each other");
    const chain = ["model.model_name", "exp_name", "data_dir", "pretrain_dir", "datamodule.glue_data", "glue"];
    const doubled = chain.slice(0, -1).map((key, i) => `${key}=${`\${${chain[i + 1]!}}`.repeat(10)}`);
    expect(() => compose([...doubled, `glue=${"x".repeat(10)}`])).toThrow(
      "expected a text of at most 10000 characters",
    );
  });
  it.each(["model.model_name=hf_0123456789abcdefABCDEF", "datamodule.datafiles.plaintext=https://user:secret@host/x"])(
    "%s holds a secret, which is not repeated",
    (override) => {
      const [key, value] = override.split("=") as [string, string];
      expect(() => compose([override])).toThrow(`${key}: expected a value without a token or password`);
      expect(() => compose([override])).not.toThrow(value);
    },
  );
});

it.each(["main\ntouch x", "a b", "$(id)", ""])("slurm.partition=%j is no word of a script", (partition) => {
  expect(Slurm.partial().safeParse({ partition }).success).toBe(false);
});
it("what clusters are asked for is one", () => {
  const asked = {
    partition: "gpu,cpu",
    account: "me@lab",
    time: "1-00:00:00",
    gres: "gpu:a100:1",
    memory: "8G",
    cpus: 2,
  };
  expect(Slurm.safeParse(asked).success).toBe(true);
});
