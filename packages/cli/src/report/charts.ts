import type { TopLevelSpec } from "vega-lite";

/** A dot of a line: `series` counts from 0 and chooses colour and dashes. */
export interface Dot {
  readonly step: number;
  readonly value: number;
  readonly series: number;
}

/** How many series have colours and dashes of their own; the next ones start again. */
export const styles = 6;
export const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [8, 2, 2, 2], [1, 3], [12, 3]];
export const colour = (series: number): string => `var(--series-${series % styles})`;

export interface LineOptions {
  /** Ends of the value axis that charts beside each other share. */
  readonly domain?: readonly [number, number];
  /** The last step, which charts beside each other share. */
  readonly lastStep: number;
}

/**
 * Lines of values over training steps, as a Vega-Lite specification.
 *
 * Texts of the sweep stay out of it: series are numbers, and the page names them.
 */
export function lines(dots: readonly Dot[], { domain, lastStep }: LineOptions): TopLevelSpec {
  const values = dots.filter(({ value }) => Number.isFinite(value));
  const series = [...new Set(values.map((dot) => dot.series))].toSorted((a, b) => a - b);
  const perSeries = series.length === 0 ? 0 : values.length / series.length;
  return {
    ...chart,
    data: { values },
    encoding: {
      x: {
        field: "step",
        type: "quantitative",
        title: null,
        scale: { domain: [0, Math.max(lastStep, 1)], nice: false },
        axis: { tickCount: 4, grid: false, format: lastStep >= 10_000 ? "~s" : ",d" },
      },
      y: {
        field: "value",
        type: "quantitative",
        title: null,
        scale: { zero: true, nice: 4, ...(domain && { domain: [...domain] }) },
        axis: { tickCount: 4 },
      },
    },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 1 },
        encoding: { x: { value: 0 }, x2: { value: "width" }, y: { datum: 0 }, color: { value: "var(--axis)" } },
      },
      ...series.map((index): UnitLayer => ({
        transform: [{ filter: `datum.series === ${index}` }],
        mark: {
          type: "line",
          color: colour(index),
          strokeWidth: 1.8,
          strokeDash: [...dashes[index % styles]!],
          strokeJoin: "round",
        },
      })),
      // A lone validation is no line, and dozens of dots would hide it.
      ...(perSeries <= 8
        ? series.map((index): UnitLayer => ({
            transform: [{ filter: `datum.series === ${index}` }],
            mark: { type: "point", filled: true, size: 14, opacity: 1, color: colour(index) },
          }))
        : []),
    ],
  };
}

/** Lines of all points over training steps; `series` is the point's number, whose colour is the page's to change. */
export function overlay(dots: readonly Dot[], { lastStep }: Pick<LineOptions, "lastStep">): TopLevelSpec {
  const values = dots.filter(({ value }) => Number.isFinite(value));
  const numbers = [...new Set(values.map(({ series }) => series))].toSorted((a, b) => a - b);
  return {
    ...lines([], { lastStep }),
    data: { values },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.6, strokeJoin: "round" },
        encoding: {
          detail: { field: "series" },
          color: {
            field: "series",
            type: "nominal",
            legend: null,
            scale: { domain: numbers, range: numbers.map(pointColour) },
          },
        },
      },
    ],
  } as TopLevelSpec;
}

/** A point's colour: faint, unless the page's reader picks it. */
const pointColour = (number: number): string => `var(--p${number},var(--faint))`;

/** A point of a sweep by what it cost and what it reached; `label` is its number in the table, that of an untouched model 0 or 0.1, 0.2, … */
export interface Trade {
  readonly label: string;
  readonly x: number;
  readonly y: number;
}

/** Whether a number of the table is an untouched model's. */
export const isUntouchedNumber = (label: string): boolean => label.startsWith("0");

/** Mean |effect| over a price or a score, one numbered disc a point, with the front of those that none betters. */
export function trades(values: readonly Trade[], front: readonly Trade[]): TopLevelSpec {
  const many = values.length > 40;
  return {
    ...chart,
    width: 420,
    height: 210,
    data: { values: [...values] },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: null,
        scale: { domain: around(values.map(({ x }) => x)), nice: false },
        axis: { tickCount: 6 },
      },
      y: {
        field: "y",
        type: "quantitative",
        title: null,
        scale: { domain: around([0, ...values.map(({ y }) => y)]), nice: false },
        axis: { tickCount: 5 },
      },
    },
    layer: [
      {
        data: { values: [...front] },
        mark: { type: "line", color: "var(--series-2)", strokeWidth: 2, strokeDash: [5, 3] },
        encoding: { order: { field: "x" } },
      },
      {
        mark: { type: "point", filled: true, size: many ? 40 : 260, opacity: 0.92, strokeWidth: 1 },
        encoding: {
          color: {
            field: "label",
            type: "nominal",
            legend: null,
            scale: {
              domain: values.map(({ label }) => label),
              range: values.map(({ label }) =>
                isUntouchedNumber(label) ? "var(--muted)" : `var(--p${label},var(--series-0))`,
              ),
            },
          },
        },
      },
      ...(many
        ? []
        : [
            {
              mark: { type: "text", baseline: "middle", fontSize: 10, fontWeight: "bold", color: "var(--panel)" },
              encoding: { text: { field: "label", type: "nominal" } },
            } as UnitLayer,
          ]),
    ],
  };
}

/** A cell of a square of numbers. */
export interface Cell {
  readonly row: number;
  readonly column: number;
  /** From 0 to 1. */
  readonly share: number;
}

/** A square of shares: the fuller, the closer to 1. */
export function heat(
  cells: readonly Cell[],
  { size, texts, colour }: { size: number; texts: boolean; colour: string },
): TopLevelSpec {
  const at = (field: string) => ({
    field,
    type: "ordinal" as const,
    title: null,
    axis: { labelAngle: 0, domain: false },
  });
  return {
    ...chart,
    width: { step: size },
    height: { step: size },
    data: { values: [...cells] },
    encoding: { x: { ...at("column"), axis: { ...at("column").axis, orient: "top" } }, y: at("row") },
    layer: [
      {
        mark: { type: "rect", color: colour, stroke: "var(--panel)" },
        encoding: {
          opacity: { field: "share", type: "quantitative", legend: null, scale: { domain: [0, 1], range: [0.06, 1] } },
        },
      },
      ...(texts
        ? [
            {
              mark: { type: "text", fontSize: 9, color: "var(--text)" },
              encoding: { text: { field: "share", type: "quantitative", format: ".2f" } },
            } as UnitLayer,
          ]
        : []),
    ],
  };
}

/** The ends of values with room for a disc on both sides. */
function around(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = 0.07 * (most - least || 1);
  return [least - room, most + room];
}

type UnitLayer = Extract<TopLevelSpec, { layer: unknown[] }>["layer"][number];

const chart = {
  width: 218,
  height: 112,
  padding: 4,
  background: "transparent",
  autosize: { type: "pad" },
  config: {
    aria: false,
    view: { stroke: null },
    axis: {
      domainColor: "var(--axis)",
      gridColor: "var(--line)",
      labelColor: "var(--muted)",
      labelFontSize: 10,
      labelPadding: 4,
      domain: false,
      ticks: false,
    },
  },
} satisfies Partial<TopLevelSpec>;
