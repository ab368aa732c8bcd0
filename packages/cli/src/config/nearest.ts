import { distance } from "fastest-levenshtein";

/**
 * The known name that somebody may have meant: the one of which some words that stand together (`loss_form` of
 * `model.debias_loss_form`) differ in the fewest characters, the first of several.
 */
export function nearest(asked: string, known: readonly string[]): string {
  const far = known.map((name) => Math.min(...parts(name).map((part) => distance(asked, part))));
  return known[far.indexOf(Math.min(...far))]!;
}

/** A name's words, and all runs of them: `max_epochs`, `trainer.max`, … of `trainer.max_epochs`. */
function parts(name: string): string[] {
  const words = name.split(/([._])/);
  const starts = words.map((_, at) => at).filter((at) => at % 2 === 0);
  return starts.flatMap((from) => starts.filter((to) => to >= from).map((to) => words.slice(from, to + 1).join("")));
}
