import type { AdamWOptions } from "./adamw.ts";
import { hostAdamW, type HostParameter, type HostRates, type Numbers } from "./host-adamw.ts";

/** What is done with one parameter: its gradient is summed, or it is updated. */
export type HostWork =
  | { readonly kind: "sum"; readonly gradient: Numbers; readonly more?: Numbers | undefined }
  | {
      readonly kind: "update";
      readonly parameter: HostParameter;
      readonly gradient: Numbers;
      readonly rates: HostRates;
      readonly options: AdamWOptions;
    };

/** Does it in place; returns Σ g² of a sum, in float64. */
export function doHostWork(work: HostWork): number {
  if (work.kind === "update") {
    hostAdamW(work.parameter, work.gradient, work.rates, work.options);
    return 0;
  }
  const { gradient, more } = work;
  let squares = 0;
  if (more === undefined) {
    for (let i = 0; i < gradient.length; i++) squares += gradient[i]! * gradient[i]!;
    return squares;
  }
  for (let i = 0; i < gradient.length; i++) {
    gradient[i]! += more[i]!;
    squares += gradient[i]! * gradient[i]!;
  }
  return squares;
}
