import { parentPort } from "node:worker_threads";
import { doHostWork, type HostWork } from "./host-work.ts";

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
parentPort!.on("message", (work: readonly HostWork[]) => parentPort!.postMessage(work.map(doHostWork)));
