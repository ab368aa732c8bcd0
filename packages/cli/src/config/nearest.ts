import { distance } from "fastest-levenshtein";

/**
 * The known name that somebody may have meant: the one of which some words that stand together (`loss_form` of
 * `model.debias_loss_form`) differ in the smallest share of their characters, the first of several; none where it is more than half.
 */
export function nearest(asked: string, known: readonly string[]): string | undefined {
  const far = known.map((name) =>
    Math.min(...parts(name).map((part) => distance(asked, part) / Math.max(asked.length, part.length))),
  );
  const least = Math.min(...far);
  return least > 0.5 ? undefined : known[far.indexOf(least)];
}

/** A name's words, and all runs of them: `max_epochs`, `trainer.max`, … of `trainer.max_epochs`. */
function parts(name: string): string[] {
  const words = name.split(/([._])/);
  const starts = words.map((_, at) => at).filter((at) => at % 2 === 0);
  return starts.flatMap((from) => starts.filter((to) => to >= from).map((to) => words.slice(from, to + 1).join("")));
}
