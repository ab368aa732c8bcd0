import { parentPort } from "node:worker_threads";
import { doHostWork, type HostWork } from "./host-work.ts";

parentPort!.on("message", (work: readonly HostWork[]) => parentPort!.postMessage(work.map(doHostWork)));
