import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { isShared, type NDArray } from "../ndarray.ts";
import type { LaneAnswer, LaneRequest } from "./lane.ts";
import type { Call, OpenSession, Session, SessionOptions } from "./session.ts";

/**
 * Opens sessions whose calls run on as many threads, one call on each at a time; which has to do with time alone. A graph is
 * loaded on a thread when it is first run there. The threads end with the last session, and keep no program from ending.
 *
 * @param onLane options of a session on the lane of this number
 * @throws RangeError for no thread
 */
export function lanes(
  count: number,
  onLane: (options: SessionOptions, lane: number) => SessionOptions = (options) => options,
): OpenSession {
  if (!(count >= 1)) throw new RangeError(`lanes: expected one or more, got ${count}`);
  const all = Array.from({ length: count }, lane);
  const waiting: ((lane: Lane) => void)[] = [];
  const idle = new Set(all);
  const take = (id: number): Lane | Promise<Lane> => {
    const lane = [...idle].find(({ loaded }) => loaded.has(id)) ?? [...idle][0];
    if (lane === undefined) return new Promise((resolve) => waiting.push(resolve));
    idle.delete(lane);
    return lane;
  };
  const giveBack = (lane: Lane): void => {
    const next = waiting.shift();
    if (next === undefined) idle.add(lane);
    else next(lane);
  };
  const open = new Set<number>();
  let ids = 0;

  return async (model: Uint8Array, options: SessionOptions): Promise<Session> => {
    const id = ids++;
    open.add(id);
    return {
      async run(call) {
        const lane = await take(id);
        try {
          if (!lane.loaded.has(id)) {
            await lane.ask({ kind: "load", id, model, options: onLane(options, all.indexOf(lane)) });
            lane.loaded.add(id);
          }
          return written(call, await lane.ask({ kind: "run", id, call: lent(call) }));
        } finally {
          giveBack(lane);
        }
      },
      async release() {
        const having = all.filter((lane) => lane.loaded.delete(id));
        await Promise.all(having.map((lane) => lane.ask({ kind: "release", id })));
        open.delete(id);
        if (open.size === 0) await Promise.all(all.map((lane) => lane.end()));
      },
    };
  };
}

type Outputs = Awaited<ReturnType<Session["run"]>>;

interface Lane {
  /** Numbers of the graphs that it has. */
  readonly loaded: Set<number>;
  /** Requests are answered one after the other. */
  readonly ask: (request: LaneRequest) => Promise<Outputs>;
  readonly end: () => Promise<void>;
}

function lane(): Lane {
  let worker: Worker | undefined;
  let asked: { resolve: (outputs: Outputs) => void; reject: (error: Error) => void } | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const loaded = new Set<number>();
  const forget = (): void => {
    worker = undefined;
    loaded.clear();
  };
  const start = (): Worker => {
    const own = new Worker(new URL("./lane.ts".replace(/\.ts$/, extname(import.meta.url)), import.meta.url));
    const lost = (error: Error): void => {
      if (worker === own) forget();
      asked?.reject(error);
    };
    own.on("message", (answer: LaneAnswer) =>
      "error" in answer ? asked?.reject(answer.error) : asked?.resolve(answer.outputs),
    );
    own.on("error", lost);
    own.on("exit", (code) => lost(new Error(`lanes: a thread ended with code ${code} before it answered`)));
    return own;
  };
  const send = async (request: LaneRequest): Promise<Outputs> => {
    const own = (worker ??= start());
    const answer = new Promise<Outputs>((resolve, reject) => {
      asked = { resolve, reject };
    });
    own.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    own.postMessage(request);
    try {
      return await answer;
    } finally {
      asked = undefined;
      own.unref();
    }
  };
  return {
    loaded,
    ask(request) {
      const answer = before.then(() => send(request));
      before = answer.catch(() => {});
      return answer;
    },
    async end() {
      await before;
      await worker?.terminate();
      forget();
    },
  };
}

/** A call as it goes to another thread: of arrays that are not shared copies go, and the results come back as new ones. */
const lent = (call: Call): Call => ({
  ...call,
  outputs: Object.fromEntries(
    Object.entries(call.outputs).map(([name, array]) => [name, array !== null && isShared(array) ? array : null]),
  ),
});

function written({ outputs }: Call, results: Outputs): Outputs {
  const found = Object.entries(outputs).map(([name, array]): [string, NDArray] => {
    if (array === null) return [name, results[name]!];
    if (!isShared(array)) array.data.set(results[name]!.data);
    return [name, array];
  });
  return Object.fromEntries(found);
}
