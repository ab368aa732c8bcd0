import { parentPort } from "node:worker_threads";
import { isShared } from "../ndarray.ts";
import { type Call, openSession, type Session, type SessionOptions } from "./session.ts";

/** What a lane is asked: to load a graph under a number, to run it, to let go of it. */
export type LaneRequest =
  | { readonly kind: "load"; readonly id: number; readonly model: Uint8Array; readonly options: SessionOptions }
  | { readonly kind: "run"; readonly id: number; readonly call: Call }
  | { readonly kind: "release"; readonly id: number };

/** What it answers: outputs by name after a run, none after the others, or why not. */
export type LaneAnswer = { readonly outputs: Awaited<ReturnType<Session["run"]>> } | { readonly error: Error };

const sessions = new Map<number, Session>();

const port = parentPort!;
port.on("message", async (request: LaneRequest) => {
  try {
    const outputs = await outputsOf(request);
    const own = Object.values(outputs).filter((array) => !isShared(array));
    const answer: LaneAnswer = { outputs };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    port.postMessage(
      answer,
      own.map(({ data }) => data.buffer as ArrayBuffer),
    );
  } catch (error) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    port.postMessage({ error } as LaneAnswer);
  }
});

async function outputsOf(request: LaneRequest): ReturnType<Session["run"]> {
  const { kind, id } = request;
  if (kind === "load") sessions.set(id, await openSession(request.model, request.options));
  const session = sessions.get(id)!;
  if (kind === "run") return session.run(request.call);
  if (kind === "release") {
    sessions.delete(id);
    await session.release();
  }
  return {};
}
