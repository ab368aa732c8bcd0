/**
 * Runs what yields events to its end and returns what it leaves, which `for await` does not give: of `pretrain`, the trained
 * checkpoint; of fine-pruning, the weights and scores.
 *
 * @param each called with every event
 */
export async function complete<Event, Result>(
  run: AsyncGenerator<Event, Result>,
  each: (event: Event) => void = () => {},
): Promise<Result> {
  for (;;) {
    const { done, value } = await run.next();
    if (done) return value;
    each(value);
  }
}
