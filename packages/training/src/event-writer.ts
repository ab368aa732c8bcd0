import { open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder } from "@pruning-bias/files";
import { type Histogram, histogram } from "./histogram.ts";
import { bytes, double, doubles, type Field, float, message, varint } from "./protobuf.ts";
import { tfRecord } from "./tf-record.ts";

/** Writes a TensorBoard event file. Nothing is on the disk for sure before `flush`. */
export interface EventWriter {
  /** Of its file. */
  readonly path: string;
  /** Values by tag, such as `train/loss`. */
  scalars(values: Readonly<Record<string, number>>, step: number): void;
  /** The distribution of some values. */
  histogram(tag: string, values: ArrayLike<number>, step: number): void;
  /** A text, in Markdown. */
  text(tag: string, value: string, step: number): void;
  /** Brings to the disk what was written. @throws Error `PATH: cannot be written: …` */
  flush(): Promise<void>;
  /** Flushes, and closes the file. */
  close(): Promise<void>;
}

/** How an event file starts. */
export interface EventWriterOptions {
  /** A run that goes on: TensorBoard forgets what files before this one say of this step and later ones. Nothing by default. */
  readonly purgeStep?: number;
  /** Seconds since 1970; the clock's by default. */
  readonly now?: () => number;
}

/**
 * Opens `folder/events.out.tfevents.TIME.HOST`; TensorBoard reads all such files of a folder as one run
 * (https://github.com/tensorflow/tensorboard, `event.proto`, `summary.proto`).
 *
 * @throws Error where the file cannot be made or written
 */
export async function eventWriter(
  folder: string,
  { purgeStep, now = () => Date.now() / 1000 }: EventWriterOptions = {},
): Promise<EventWriter> {
  await makeFolder(folder);
  const { path, file } = await openNew(folder, now());
  let waiting: Uint8Array[] = [];
  const event = (...fields: readonly Field[]) => void waiting.push(tfRecord(message(double(1, now()), ...fields)));
  const summary = (step: number, values: readonly Field[]) =>
    event(varint(2, step), bytes(5, message(...values.map((value) => bytes(1, value)))));
  const flush = async () => {
    const records = waiting;
    waiting = [];
    if (records.length === 0) return;
    await file.appendFile(Buffer.concat(records)).catch((error: Error) => {
      throw new Error(`${path}: cannot be written: ${error.message}`, { cause: error });
    });
  };

  event(bytes(3, "brain.Event:2"));
  if (purgeStep !== undefined) event(varint(2, purgeStep), bytes(7, varint(1, SESSION_START)));
  await flush();
  return {
    path,
    scalars(values, step) {
      const fields = Object.entries(values).map(([tag, value]) => message(bytes(1, tag), float(2, value)));
      if (fields.length > 0) summary(step, fields);
    },
    histogram: (tag, values, step) => summary(step, [message(bytes(1, tag), bytes(5, encoded(histogram(values))))]),
    text: (tag, value, step) => summary(step, [message(bytes(1, tag), bytes(8, textTensor(value)), textMetadata)]),
    flush,
    async close() {
      await flush();
      await file.close();
    },
  };
}

const SESSION_START = 1;

/** HistogramProto. */
const encoded = ({ min, max, count, sum, sumSquares, limits, counts }: Histogram): Uint8Array =>
  message(
    ...[double(1, min), double(2, max), double(3, count), double(4, sum), double(5, sumSquares)],
    ...[doubles(6, limits), doubles(7, counts)],
  );

// TensorProto of one string: dtype DT_STRING, shape [1].
const textTensor = (text: string): Uint8Array =>
  message(varint(1, 7), bytes(2, bytes(2, varint(1, 1))), bytes(8, text));
const textMetadata = bytes(9, bytes(1, bytes(1, "text")));

// Names are by the second: a run that goes on at once takes the next that is free.
async function openNew(folder: string, now: number) {
  for (let number = 0; ; number++) {
    const time = String(Math.floor(now)).padStart(10, "0");
    const name = `events.out.tfevents.${time}.${hostname()}${number === 0 ? "" : `.${number}`}`;
    try {
      return { path: join(folder, name), file: await open(join(folder, name), "ax") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
