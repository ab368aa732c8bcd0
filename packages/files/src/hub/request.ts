import { setTimeout as sleep } from "node:timers/promises";

/** How the hub is reached. */
export interface HubAccess {
  /**
   * Address of the hub, `https://huggingface.co` or a mirror's; anything that serves `/ID/resolve/REVISION/FILE`, and data sets
   * behind `/datasets`.
   */
  readonly endpoint: string;
  /** Sent to the endpoint and to nobody else; none by default. */
  readonly token?: string | undefined;
  /** What fetches; the global one by default. */
  readonly fetch?: typeof globalThis.fetch;
  /** How often to try again what may pass, 5 times by default: an answer 429 or 5xx, a lost connection. */
  readonly retries?: number;
  /** Milliseconds before the first retry where the hub does not say how long, 1000 by default; then twice as long each time. */
  readonly retryDelay?: number;
  /** Milliseconds without a byte after which a connection counts as lost; 60,000 by default. */
  readonly idleTimeout?: number;
}

/** A file of the hub, on its way. */
export interface Answer {
  readonly url: string;
  /** `ok`; 206 where it begins at the byte asked for. */
  readonly response: Response;
  /** The bytes, with `idleTimeout` between them. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly commit: string | undefined;
  /** Name of the content: its SHA-256, or the name of a git object. */
  readonly etag: string | undefined;
  /** Bytes of the whole file. */
  readonly size: number | undefined;
  /** Ends the connection. */
  readonly close: () => Promise<void>;
}

/** A model or a data set of the hub. */
export interface Repository {
  /** What it holds. */
  readonly kind: "model" | "dataset";
  /** `ORG/NAME`, or a name alone. */
  readonly id: string;
}

export interface FileOfHub {
  readonly repository: Repository;
  readonly revision: string;
  readonly file: string;
  /** First byte wanted. */
  readonly from?: number;
}

/** Where the hub has a file. */
export const addressOf = (
  { repository: { kind, id }, revision, file }: Omit<FileOfHub, "from">,
  endpoint: string,
): string =>
  `${endpoint.replace(/\/+$/, "")}/${kind === "dataset" ? "datasets/" : ""}${id}/resolve/${encodeURIComponent(revision)}/${file}`;

/**
 * Asks the hub for a file; `undefined` where it has none of that name.
 *
 * @throws Error `ID: …`, one line, without the token: unreachable hub, no access, too many requests
 */
export async function request(wanted: FileOfHub, access: HubAccess): Promise<Answer | undefined> {
  const { retries = 5, retryDelay = 1000 } = access;
  for (let attempt = 0; ; attempt++) {
    const answer = await ask(wanted, access).catch((error: unknown) => lost(error));
    if (answer === undefined || "response" in answer) return answer;
    const wait = answer.wait ?? retryDelay * 2 ** attempt;
    if (!answer.passing || attempt >= retries) throw new Error(`${wanted.repository.id}: ${answer.problem}`);
    if (wait > LONGEST_WAIT) {
      throw new Error(`${wanted.repository.id}: ${answer.problem}: it asks to wait ${Math.round(wait / 1000)} s`);
    }
    await sleep(wait);
  }
}

/** Why a connection ended, in a word: never the error's own message, which may quote headers. */
export function reason(error: unknown): string {
  const { cause, name, code } = error as Error & { cause?: { code?: string; name?: string }; code?: unknown };
  if (cause?.code !== undefined) return cause.code;
  return typeof code === "string" ? code : name;
}

const LONGEST_WAIT = 5 * 60_000;
const MOST_REDIRECTS = 6;

interface Refusal {
  readonly problem: string;
  /** Whether it may pass. */
  readonly passing: boolean;
  /** Milliseconds that the hub asks to wait. */
  readonly wait?: number | undefined;
}

class Unreachable extends Error {}

async function ask(
  wanted: FileOfHub,
  { endpoint, token, fetch = globalThis.fetch, idleTimeout = 60_000 }: HubAccess,
): Promise<Answer | Refusal | undefined> {
  if (!isAddress(endpoint)) {
    return {
      problem: `expected http://HOST or https://HOST as the hub's address, without a password, got another`,
      passing: false,
    };
  }
  const { repository, from = 0 } = wanted;
  const url = addressOf(wanted, endpoint);
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (from > 0) headers["range"] = `bytes=${from}-`;
  const secret = token?.trim() ?? "";
  let commit: string | undefined;
  let etag: string | undefined;
  let size: number | undefined;
  // Redirects are followed by hand: the commit and the hash are in the headers of the first answers, and the token is
  // for the hub, not for where it keeps its files.
  for (let hop = 0, at = url; hop < MOST_REDIRECTS; hop++) {
    const trusted = secret !== "" && new URL(at).origin === new URL(endpoint).origin;
    const connection = idle(idleTimeout);
    const response = await fetch(at, {
      headers: trusted ? { ...headers, authorization: `Bearer ${secret}` } : headers,
      redirect: "manual",
      signal: connection.signal,
    }).catch((error: unknown) => {
      connection.rest();
      throw new Unreachable(`${new URL(at).origin} cannot be reached (${reason(error)})`, { cause: error });
    });
    const close = async () => {
      connection.rest();
      await response.body?.cancel().catch(() => {}); // one that broke off has nothing to cancel
    };
    commit ??= header(response, "x-repo-commit", /^[0-9a-f]{40}$/);
    etag ??= header(response, "x-linked-etag", HASH) ?? header(response, "etag", HASH);
    size ??= sizeIn(response);
    if (response.ok) {
      return { url, response, body: connection.chunks(response), commit, etag, size, close };
    }
    await close();
    const { status } = response;
    const location = status >= 300 && status < 400 ? response.headers.get("location") : null;
    if (location !== null) {
      const next = URL.canParse(location, at) ? new URL(location, at).href : "";
      if (!isAddress(next))
        return { problem: `${url} led to something else than a file of the network`, passing: false };
      at = next;
      continue;
    }
    if (status === 404) return undefined;
    const problem = `${url} answered ${status}${meaning(status, repository)}`;
    return { problem, passing: status === 429 || status >= 500, wait: retryAfter(response) };
  }
  return { problem: `${url}: expected a file, got redirects without end`, passing: false };
}

/** Whether a URL is one that files come from. A password in it would be shown in errors. */
function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ["http:", "https:"].includes(protocol) && username === "" && password === "";
}

/** What to make of an error of the connection. Nothing is to be hoped for where nobody listens. */
function lost(error: unknown): Refusal {
  if (!(error instanceof Unreachable)) throw error;
  const hopeless = ["ECONNREFUSED", "ENOTFOUND", "TypeError"].includes(reason(error.cause));
  return { problem: error.message, passing: !hopeless };
}

/** A connection that is given up when nothing is heard for so many milliseconds. */
function idle(timeout: number) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Silence(timeout)), timeout);
  const rest = (): void => clearTimeout(timer);
  return {
    signal: controller.signal,
    /** Stops watching. */
    rest,
    async *chunks({ body }: Response): AsyncGenerator<Uint8Array> {
      timer.refresh();
      try {
        for await (const chunk of body as AsyncIterable<Uint8Array>) {
          timer.refresh();
          yield chunk;
        }
      } finally {
        rest();
      }
    },
  };
}

class Silence extends Error {
  constructor(timeout: number) {
    super();
    this.name = `nothing came for ${timeout / 1000} s`;
  }
}

function meaning(status: number, { kind }: Repository): string {
  if (status === 401 || status === 403)
    return `: no such ${wordFor[kind]}, or one that needs a token with access to it`;
  return status === 429 ? ": too many requests" : "";
}

/** A kind of repository, for people. */
export const wordFor: Readonly<Record<Repository["kind"], string>> = { model: "model", dataset: "data set" };

/** Milliseconds of the header Retry-After: a number of seconds, or a date. */
function retryAfter({ headers }: Response): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** The size of the whole file, where an answer tells. */
function sizeIn({ headers, ok, status }: Response): number | undefined {
  const linked = header({ headers }, "x-linked-size", /^\d+$/);
  if (linked !== undefined) return Number(linked);
  if (status === 206) {
    const total = /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
    return total === undefined ? undefined : Number(total);
  }
  const length = headers.get("content-encoding") === null && ok ? headers.get("content-length") : null;
  return length === null ? undefined : Number(length);
}

const HASH = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

function header({ headers }: Pick<Response, "headers">, name: string, pattern: RegExp): string | undefined {
  const value = headers.get(name)?.replace(/^W\/|"/g, "");
  return value !== undefined && pattern.test(value) ? value : undefined;
}
