import { printable } from "@pruning-bias/files";

/** What a user asked for cannot be: exit code 2, the message alone, on one line whatever was typed. */
export class UsageError extends Error {
  /** Tells it from other errors. */
  override name = "UsageError";

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message, 1000), options);
  }
}
