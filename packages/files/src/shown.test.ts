import { expect, it } from "vitest";
import { printable, shown } from "./shown.ts";

it("what a file holds is quoted on one line, without what moves a cursor, and not too long", () => {
  expect(printable("a\r\nb\u001b[2J\u2028c")).toBe("a\ufffd\ufffdb\ufffd[2J\ufffdc");
  expect(printable("x".repeat(201))).toBe(`${"x".repeat(200)}…`);
  expect(printable("four", 3)).toBe("fou…");
});

it("a value is quoted as JSON, and one that has none as what it is", () => {
  expect(shown({ a: ["b\n"] })).toBe('{"a":["b\\n"]}');
  expect(shown(undefined)).toBe("undefined");
  let deep: unknown = [];
  for (let i = 0; i < 1e5; i++) deep = [deep];
  expect(shown(deep)).toBe("something too deep");
});
