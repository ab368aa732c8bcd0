/** What a user asked for cannot be: exit code 2, the message alone. */
export class UsageError extends Error {
  override name = "UsageError";
}
