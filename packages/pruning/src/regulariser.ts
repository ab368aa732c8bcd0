import { tf } from "@pruning-bias/runtime";
import { chanceShift } from "./hard-concrete.ts";
import { type Group, type Layout, parameterScores, type ScoreTensor } from "./layout.ts";
import { methodOf } from "./methods.ts";
import type { PruningSettings } from "./settings.ts";

type Weights = Pick<PruningSettings, "regularization" | "attentionLambda" | "denseLambda">;

/**
 * L_prune, what keeping scores ([rows, columns] of blocks, [n] neurons) high costs: the sum of `regulariserGroups`, before λ.
 * Score tensors that are not trained may be left out; they count as constants.
 *
 * @throws Error for trained scores that are missing
 */
export function regulariser(layout: Layout, settings: Weights, scores: Readonly<Record<string, tf.Tensor>>): tf.Scalar {
  const groups = Object.values(regulariserGroups(layout, settings, scores));
  return groups.length === 0 ? tf.scalar(0) : tf.sum(tf.stack(groups));
}

/**
 * Each group's share in L_prune: λ_g/(number of groups) · the mean over its score tensors ([rows, columns] of blocks, [n]
 * neurons) of mean σ(S − shift), each tensor counted once; magnitudes are no scores. l1: no shift, the mean of σ(S); l0: shift
 * ⅔·ln(0.1/1.1), the chance that a hard concrete gate is not 0 (Louizos et al. 2018, Eq. 12; Lagunas et al. 2021). A method
 * with a penalty of its own has the mean of that instead, unless there is no regularization.
 *
 * @throws Error for trained scores that are missing
 */
export function regulariserGroups(
  layout: Layout,
  settings: Weights,
  scores: Readonly<Record<string, tf.Tensor>>,
): Partial<Record<Group, tf.Scalar>> {
  const all = parameterScores(layout);
  const groups = [...new Set(all.map(({ group }) => group))];
  const lambdas: Record<Group, number> = { attention: settings.attentionLambda, dense: settings.denseLambda };
  return Object.fromEntries(
    groups.map((group) => {
      if (settings.regularization === "none") return [group, tf.scalar(0)];
      const shift = shifts[settings.regularization];
      const tensors = all.filter((tensor) => tensor.group === group);
      const means = tensors.map((tensor) => meanOpenness(tensor, scores[tensor.name], shift));
      return [group, tf.mul(tf.mean(tf.stack(means)), lambdas[group] / groups.length)];
    }),
  );
}

const shifts = { l1: 0, l0: chanceShift } as const;

function meanOpenness(tensor: ScoreTensor, scores: tf.Tensor | undefined, shift: number): tf.Scalar {
  const penalty = tensor.kind === "ampere" ? undefined : methodOf(tensor.method).penalty;
  if (scores !== undefined && penalty !== undefined) return tf.mean(penalty(scores));
  if (scores !== undefined) return tf.mean(tf.sigmoid(shift === 0 ? scores : tf.sub(scores, shift)));
  if (tensor.trained) throw new Error(`regulariser: expected scores ${tensor.name}, got none of that name`);
  if (penalty !== undefined) return tf.mean(penalty(tf.scalar(tensor.initial)));
  return tf.scalar(1 / (1 + Math.exp(shift - tensor.initial)));
}
