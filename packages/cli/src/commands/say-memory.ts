import type { BertConfig } from "@pruning-bias/model";
import { memoryHere, memoryText, type MemoryTextOptions } from "../sweep/memory.ts";
import { type ModelShape, shapeOf } from "../sweep/model-shape.ts";
import type { Context } from "./context.ts";

/** Says what a run on this model is going to take, before it starts, with a warning where it is not there. */
export function sayMemory(
  config: BertConfig,
  need: (shape: ModelShape) => number,
  { log }: Pick<Context, "log">,
  options: Pick<MemoryTextOptions, "smaller"> = {},
): void {
  log(memoryText(need(shapeOf(config)), memoryHere(), options));
}
