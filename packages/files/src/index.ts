export { digestOfFile, hashFile, hashJson, sha256 } from "./digest.ts";
export { reason } from "./reason.ts";
export { printable, shown } from "./shown.ts";
export { type Content, makeFolder, removeLeftovers, temporaryName, writeFlushed, writeWhole } from "./whole.ts";
export type { HubAccess, Repository } from "./hub/request.ts";
export { type HubOptions, type HubProgress, type Needed, resolveSnapshot, type Snapshot } from "./hub/snapshot.ts";
