import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compose } from "../config/compose.ts";
import type { Config } from "../config/schema.ts";
import { duration } from "../report/format.ts";
import { gigabytes, memoryHere } from "./memory.ts";
import { costOf, type Cost, type Machine, type Measured } from "./cost.ts";
import type { Point } from "./points.ts";
import { trainSettings } from "./task-settings.ts";

/** A point of a dry run. */
export type Priced = Point & {
  readonly folder: string;
  /** Its results are there, of just these settings. */
  readonly done: boolean;
  readonly cost: Cost;
};

export const priced = (
  points: readonly (Point & { readonly folder: string })[],
  measured: Measured,
  machine: Machine,
): Priced[] =>
  points.map((point) => {
    const { config } = compose(point.overrides);
    return {
      ...point,
      done: isDone(join(machine.root, point.folder), config),
      cost: costOf(config, measured, machine),
    };
  });

function isDone(folder: string, config: Config): boolean {
  const stored = join(folder, "config.json");
  if (!existsSync(stored) || !existsSync(join(folder, "bias.json"))) return false;
  try {
    const before = JSON.parse(readFileSync(stored, "utf8")) as Config;
    return JSON.stringify(trainSettings(before)) === JSON.stringify(trainSettings(config));
  } catch {
    return false;
  }
}

/** The points for people, each with what it takes, and the sum of those that are not done. */
export function dryRunText(points: readonly Priced[]): string {
  const rows = points.map(({ name, done, cost }) => [name, done ? "done" : costText(cost)]);
  const width = Math.max(...rows.map(([name]) => name!.length));
  const missing = points.filter(({ done }) => !done).map(({ cost }) => cost);
  const known = missing.every(({ trainSeconds }) => trainSeconds !== null);
  const sum = (of: (cost: Cost) => number | null) => missing.reduce((total, cost) => total + (of(cost) ?? 0), 0);
  const total = {
    steps: sum(({ steps }) => steps),
    trainSeconds: known ? sum(({ trainSeconds }) => trainSeconds) : null,
    glueSeconds: sum(({ glueSeconds }) => glueSeconds),
    whereSeconds: sum(({ whereSeconds }) => whereSeconds),
    bytes: known ? sum(({ bytes }) => bytes) : null,
    memory: Math.max(0, ...missing.map(({ memory }) => memory ?? 0)) || null,
  };
  return [
    ...rows.map(([name, text]) => `  ${name!.padEnd(width)}  ${text}`),
    `to do: ${missing.length} of ${points.length}; ${costText(total)} (estimated from the model's size and this machine's rate)`,
  ].join("\n");
}

function costText({ steps, trainSeconds, glueSeconds, whereSeconds, bytes, memory }: Cost): string {
  const time = trainSeconds === null ? "time unknown until the model is there" : `about ${roughly(trainSeconds)}`;
  const glue = glueSeconds ? `, GLUE ${roughly(glueSeconds)}` : "";
  const where = whereSeconds ? `, where bias sits ${roughly(whereSeconds)} at most` : "";
  const size = bytes === null ? "" : `, ${sizeText(bytes)} on disk`;
  const tooMuch = memory !== null && memory > memoryHere() ? `, more than the ${gigabytes(memoryHere())} here` : "";
  const most = memory === null ? "" : `, ${gigabytes(memory)} of memory${tooMuch}`;
  return `${steps.toLocaleString("en-US")} steps, ${time}${glue}${where}${size}${most}`;
}

/** Days where hours say too much. */
const roughly = (seconds: number): string =>
  seconds > 2 * 86_400 ? `${(seconds / 86_400).toFixed(1)} days` : duration(seconds);

const sizeText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
