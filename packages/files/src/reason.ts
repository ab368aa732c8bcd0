import { printable } from "./shown.ts";

/** Why a file or a server could not be read, in the last words of a one-line error. */
export function reason(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException;
  if (code !== undefined && Object.hasOwn(known, code)) return known[code]!;
  if (cause !== undefined) return reason(cause);
  // What code says of itself that damaged bytes have led astray says nothing of them.
  if (error instanceof RangeError || (error instanceof TypeError && code === undefined)) return "found it damaged";
  // System errors are known by their code; those of the HTTP client say more in their message.
  return `got ${code !== undefined && /^E[A-Z]+$/.test(code) ? code : printable(message.split("\n")[0] ?? code ?? "")}`;
}

const known: Record<string, string | undefined> = {
  ENOENT: "found no such file",
  EISDIR: "found a folder",
  EACCES: "was not allowed to read it",
  ERR_STRING_TOO_LONG: "found it too long",
  ERR_FS_FILE_TOO_LARGE: "found it too long",
};
