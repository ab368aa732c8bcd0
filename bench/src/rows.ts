import type { Evaluation } from "@pruning-bias/debias";
import { round } from "./measure.ts";

/** An evaluation as the yardstick prints its own: total, debias and keep loss, open heads of each layer, undecided gates. */
export const row = ({ loss, lossDebias, lossKeep, headsOpen, undecided, threshold }: Evaluation) => ({
  ...{ loss: round(loss), debias: round(lossDebias), keep: round(lossKeep), threshold: round(threshold) },
  ...{ heads: headsOpen.reduce((sum, layer) => sum + layer, 0), heads_by_layer: headsOpen, undecided },
});
