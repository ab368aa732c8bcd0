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

/** A point of a sweep by what it cost and what it reached; `label` is its number in the table, "0" the untouched model. */
export interface Trade {
  readonly label: string;
  readonly price: number;
  readonly effect: number;
}

/** Mean |effect| over price, one numbered disc a point: down is less bias, left is cheaper. */
export function trades(values: readonly Trade[]): TopLevelSpec {
  const known = values.filter(({ price, effect }) => Number.isFinite(price) && Number.isFinite(effect));
  const isBaseline = "datum.label === '0'";
  return {
    ...chart,
    width: 420,
    height: 190,
    data: { values: known },
    encoding: {
      x: {
        field: "price",
        type: "quantitative",
        title: null,
        scale: { domain: around(known.map(({ price }) => price)), nice: false },
        axis: { tickCount: 6 },
      },
      y: {
        field: "effect",
        type: "quantitative",
        title: null,
        scale: { domain: around([0, ...known.map(({ effect }) => effect)]), nice: false },
        axis: { tickCount: 5 },
      },
    },
    layer: [
      {
        mark: { type: "point", filled: true, size: 260, opacity: 0.92, strokeWidth: 1 },
        encoding: {
          color: { condition: { test: isBaseline, value: "var(--muted)" }, value: "var(--series-0)" },
        },
      },
      {
        mark: { type: "text", baseline: "middle", fontSize: 10, fontWeight: "bold", color: "var(--panel)" },
        encoding: { text: { field: "label", type: "nominal" } },
      },
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
