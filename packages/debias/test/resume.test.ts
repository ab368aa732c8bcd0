import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePruningSettings } from "@pruning-bias/pruning";
import { newestTrainingState, type TrainingState, writeTrainingState } from "@pruning-bias/training";
import { describe, expect, it } from "vitest";
import { fineprune, type FinepruneEvent, type FinepruneOptions } from "../src/index.ts";
import { finish, smallModel, smallSentences } from "./small.ts";

const pruning = parsePruningSettings({ attention: { block: [4, 16] }, scoresLearningRate: 0.3 });
const options: FinepruneOptions = {
  ...{ checkpoint: smallModel(), train: smallSentences(1), validation: smallSentences(2) },
  ...{ pruning, batchSize: 4, microbatch: 3, epochs: 2, learningRate: 1e-3, freezeWeights: false },
};

/** What an event says, as values; functions give what they give now. */
function said({ ...event }: FinepruneEvent) {
  const { parameters, state, ...rest } = { parameters: undefined, state: undefined, ...event };
  return structuredClone({
    ...rest,
    ...(parameters && { parameters: parameters() }),
    ...(state && { state: state() }),
  });
}

/** Every event from a state on, each state written and read as it would be between processes. */
async function follow(options: FinepruneOptions) {
  const events: ReturnType<typeof said>[] = [];
  const states = new Map<number, TrainingState>();
  const { result } = await finish(options, (event) => {
    events.push(said(event));
    if (event.kind === "step") states.set(event.step, structuredClone(event.state()));
  });
  return { events, states, result };
}

async function throughFile(state: TrainingState): Promise<TrainingState> {
  const folder = await mkdtemp(join(tmpdir(), "fineprune-"));
  await writeTrainingState(folder, state);
  return (await newestTrainingState(folder))!.state;
}

describe.each<[string, Partial<FinepruneOptions>]>([
  ["scores and weights, the best of which are kept", { keepBest: true, clipNorm: 1 }],
  [
    "scores alone, few original embeddings kept, gates settled by loss",
    {
      settle: "greedy",
      freezeWeights: true,
      originalCache: 5 * 2 * 16 * 4,
    },
  ],
  [
    "scores alone that stops early, gates settled by the average since the lowest loss",
    { settle: "average", freezeWeights: true, patience: 2, epochs: 20, beta: 20 },
  ],
])("a run of %s that goes on from a state", (_, change) => {
  it("does to the bit what it would have done", async () => {
    const own = { ...options, ...change };
    const whole = await follow(own);
    const steps = whole.states.size;
    expect(whole.result.steps).toBe(steps);
    // Of the one that may stop early there are fewer than its 20 epochs have.
    expect(own.patience === undefined ? steps === 8 : steps < 40).toBe(true);
    // At a validation in the middle of an epoch, at its end, in the next, at the end.
    for (const stop of [2, 4, Math.min(7, steps - 1), steps]) {
      const resumed = await follow({ ...own, resume: await throughFile(whole.states.get(stop)!) });
      const after = whole.events.findIndex((event) => event.kind === "step" && event.step === stop) + 1;
      expect(resumed.events, `from step ${stop}`).toEqual(whole.events.slice(after));
      expect(resumed.result, `from step ${stop}`).toEqual(whole.result);
    }
  });
});

describe("a run that cannot go on ends", () => {
  const until = async (change: Partial<FinepruneOptions>) => {
    for await (const event of fineprune({ ...options, ...change })) if (event.kind === "step") void event.step;
  };

  it("with the step and the batch", async () => {
    const diverging = until({ learningRate: 1e30, freezeWeights: false });
    await expect(diverging).rejects.toThrow(
      /^step [2-9], batch \d of epoch \d \(targets [\d, …]+; attributes [\d, …]+\): expected /,
    );
  });
});
