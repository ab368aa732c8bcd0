/** Why a file or a server could not be read, in the last words of a one-line error. */
export function reason(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException;
  if (code !== undefined && code in known) return known[code]!;
  if (cause !== undefined) return reason(cause);
  // System errors are known by their code; those of the HTTP client say more in their message.
  return `got ${code !== undefined && /^E[A-Z]+$/.test(code) ? code : (message.split("\n")[0] ?? code)}`;
}

const known: Record<string, string | undefined> = {
  ENOENT: "found no such file",
  EISDIR: "found a folder",
  EACCES: "was not allowed to read it",
};
