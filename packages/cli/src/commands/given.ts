import { printable } from "@pruning-bias/files";
import { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";
import { parseJson } from "./files.ts";

/**
 * The settings that Nx hands to a task, whole and as JSON, in `RUN_CONFIG`.
 *
 * @throws UsageError in one line, where they are no settings
 */
export function givenSettings(text: string): Config {
  const { data, error } = Config.safeParse(parsed(text));
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const place = issue!.path.map(String).join(".");
  throw new UsageError(`RUN_CONFIG: ${place === "" ? "" : `${printable(place)}: `}${printable(issue!.message)}`);
}

function parsed(text: string): unknown {
  try {
    return parseJson("RUN_CONFIG", text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
