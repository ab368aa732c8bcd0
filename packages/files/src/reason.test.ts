import { expect, it } from "vitest";
import { reason } from "./reason.ts";

const coded = (code: string, message = "the system's words") => Object.assign(new Error(message), { code });

it.each<[error: Error, why: string]>([
  [coded("ENOENT"), "found no such file"],
  [new Error("outer", { cause: coded("EACCES") }), "was not allowed to read it"],
  [coded("ECONNREFUSED"), "got ECONNREFUSED"],
  [coded("UND_ERR_SOCKET", "other side closed"), "got other side closed"],
  [new RangeError("Offset is outside the bounds of the DataView"), "found it damaged"],
  [new TypeError("Cannot read properties of undefined"), "found it damaged"],
  [new Error("a bad\u001b[31m line\nand a second"), "got a bad\ufffd[31m line"],
])("%s: %s", (error, why) => {
  expect(reason(error)).toBe(why);
});
