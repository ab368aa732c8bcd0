import { projected } from "@pruning-bias/debias/projections";
import {
  type CrowsResult,
  crowsPairs,
  distanceFrom,
  type Effects,
  embedder,
  type Head,
  headMap,
  type HeadSet,
  headSets,
  layerEmbedder,
  maskedLm,
  probe,
  type ProbeResult,
  type Protocol,
  seat,
  type SeatResult,
  stereoSet,
  type StereoSetResult,
  winoBias,
  type WinoBiasResult,
} from "@pruning-bias/eval-bias";
import type { SeatTest } from "@pruning-bias/data";
import { weightSet } from "@pruning-bias/model";
import { hostMasks, openHeads } from "@pruning-bias/pruning";
import type { Jit, NDArray } from "@pruning-bias/runtime";
import type { Context } from "../commands/context.ts";
import type { BiasSubject } from "./subjects.ts";
import type { BiasTests, ProbeSentence } from "./tests.ts";

export interface MeasureOptions {
  readonly protocol: Protocol;
  /** The hidden state that is read; the last by default. */
  readonly layer?: number;
  readonly crowsProtocol?: CrowsResult["protocol"];
  readonly stereoSetProtocol?: StereoSetResult["protocol"];
  readonly seed: number;
  readonly jit: Jit;
}

/** Where in an encoder its bias sits. */
export interface WhereResult {
  readonly protocol: Protocol;
  /** With all heads open. */
  readonly open: Effects;
  /** With each head closed alone. */
  readonly heads: readonly (Head & { readonly effects: Effects })[];
  /** What the sets of heads were sought for: the effects of the scores' mask, or none. */
  readonly goal: { readonly effects: Effects; readonly enough: number; readonly closed?: readonly Head[] };
  /** Growing sets found greedily, the smallest that will do last. */
  readonly sets: readonly HeadSet[];
}

/** All that was measured of one model. */
export interface ModelBias {
  readonly model: string;
  readonly scores?: string;
  readonly embedding: Protocol;
  readonly layer: number | "last";
  readonly tests: readonly SeatResult[];
  /** SEAT by layer, [0] after the embeddings. */
  readonly layers?: readonly (readonly SeatResult[])[];
  readonly where?: WhereResult;
  readonly probing?: ProbeResult;
  readonly stereoset?: StereoSetResult;
  readonly crows?: CrowsResult;
  readonly winobias?: WinoBiasResult;
}

/** A test's result without the associations of single targets, which only comparisons need. */
export type ReportedResult = Omit<SeatResult, "associations">;

export function reportedResult(result: SeatResult): ReportedResult {
  const { associations: _, ...rest } = result;
  return rest;
}

/** Measures one model. */
export async function measureBias(
  { name, scores, model, pruned, projection }: BiasSubject,
  tests: BiasTests,
  options: MeasureOptions,
  { progress }: Context,
): Promise<ModelBias> {
  const { protocol, layer, seed, jit } = options;
  const common = { ...model, pruned, jit };
  const plain = embedder({ ...common, protocol, layer });
  const last = model.checkpoint.config.num_hidden_layers;
  const atOutput = projection !== undefined && (layer ?? last) === last;
  const embed = atOutput ? projected(plain, projection) : plain;
  const associations =
    tests.associations.length === 0
      ? []
      : await seat({ tests: tests.associations, embed: (all) => embed(all), protocol, layer, seed });
  const probing = tests.probing && (await probed(tests.probing, embed, seed));
  await plain.dispose();
  const layers = tests.layers && (await seatByLayer(tests.layers, { ...common, projection }, protocol, seed));
  const where =
    tests.where &&
    (await whereOf(tests.where, { model, pruned, protocol, jit }, (done, total) => {
      progress({ what: `${name}: head`, done, total });
    }));
  const clozes = await measureClozes(common, tests, options);
  return {
    ...{ model: name, ...(scores !== undefined && { scores }), embedding: protocol, layer: layer ?? "last" },
    tests: associations,
    ...(layers && { layers }),
    ...(where && { where }),
    ...(probing && { probing }),
    ...clozes,
  };
}

type Common = Pick<BiasSubject, "pruned"> & {
  readonly projection?: BiasSubject["projection"] | undefined;
} & BiasSubject["model"] & { readonly jit: Jit };

/** What needs a masked language model. */
async function measureClozes(
  common: Common,
  { stereoset, crows, winobias }: BiasTests,
  { crowsProtocol, stereoSetProtocol, seed }: MeasureOptions,
): Promise<Pick<ModelBias, "stereoset" | "crows" | "winobias">> {
  if ([stereoset, crows, winobias].every((set) => set === undefined)) return {};
  const predict = maskedLm(common);
  const { tokenizer } = common;
  const stereo = { seed, ...(stereoSetProtocol && { protocol: stereoSetProtocol }) };
  const results = {
    ...(stereoset && { stereoset: await stereoSet(predict, tokenizer, stereoset, stereo) }),
    ...(crows && { crows: await crowsPairs(predict, tokenizer, crows, crowsProtocol && { protocol: crowsProtocol }) }),
    ...(winobias && { winobias: await winoBias(predict, tokenizer, winobias) }),
  };
  await predict.dispose();
  return results;
}

async function probed(
  sentences: readonly ProbeSentence[],
  embed: (sentences: readonly string[]) => Promise<NDArray>,
  seed: number,
): Promise<ProbeResult> {
  const embeddings = await embed(sentences.map(({ sentence }) => sentence));
  return probe(
    embeddings,
    sentences.map(({ male }) => male),
    sentences.map(({ word }) => word),
    { seed },
  );
}

async function seatByLayer(
  tests: readonly SeatTest[],
  { projection, ...common }: Common,
  protocol: Protocol,
  seed: number,
): Promise<SeatResult[][]> {
  const embed = layerEmbedder({ ...common, protocol });
  const results: SeatResult[][] = [];
  let states: Awaited<ReturnType<typeof embed>> | undefined;
  for (let layer = 0; layer <= common.checkpoint.config.num_hidden_layers; layer++) {
    // All layers are asked for the same sentences.
    const at = async (sentences: readonly string[]) => (states ??= await embed(sentences))[layer]!;
    const isLast = layer === common.checkpoint.config.num_hidden_layers;
    const seen = isLast && projection !== undefined ? projected(at, projection) : at;
    results.push(await seat({ tests, embed: (sentences) => seen(sentences), protocol, layer, seed }));
  }
  await embed.dispose();
  return results;
}

/** How near a set of heads has to come to a mask's effects. */
const NEAR = 0.1;

async function whereOf(
  tests: readonly SeatTest[],
  { model, pruned, protocol, jit }: Pick<BiasSubject, "model" | "pruned"> & { protocol: Protocol; jit: Jit },
  onHead: (done: number, total: number) => void,
): Promise<WhereResult> {
  const map = headMap({ ...model, tests, protocol, jit });
  const open = await map.effects();
  const total = map.none.flat().length;
  const heads: WhereResult["heads"][number][] = [];
  for await (const row of map.each()) onHead(heads.push(row), total);
  const goal =
    pruned === undefined
      ? { effects: Object.fromEntries(Object.keys(open).map((test) => [test, 0])), enough: NEAR }
      : { ...(await maskGoal(tests, { model, pruned, protocol, jit })), enough: NEAR };
  const sets: HeadSet[] = [];
  const search = { distance: distanceFrom(goal.effects), enough: goal.enough, alone: heads };
  for await (const set of headSets(map, search)) sets.push(set);
  await map.dispose();
  return { protocol, open, heads, goal, sets };
}

/** What a mask does to SEAT, and the heads that it closes. */
async function maskGoal(
  tests: readonly SeatTest[],
  {
    model,
    pruned,
    protocol,
    jit,
  }: { model: BiasSubject["model"]; pruned: NonNullable<BiasSubject["pruned"]>; protocol: Protocol; jit: Jit },
) {
  const embed = embedder({ ...model, pruned, protocol, jit });
  const results = await seat({ tests, embed: (all) => embed(all), protocol, samples: 1, bootstrapSamples: 0 });
  await embed.dispose();
  const { config, weights } = model.checkpoint;
  const masks = hostMasks(pruned.layout, { ...weights, ...pruned.scores }, pruned.threshold);
  const open = openHeads(pruned.layout, masks);
  // Layers that share their weights share the mask.
  const closed = Array.from({ length: config.num_hidden_layers }, (_, layer) =>
    open[weightSet(config, layer)]!.flatMap((left, head) => (left ? [] : [{ layer, head }])),
  ).flat();
  return { effects: Object.fromEntries(results.map(({ test, effectSize }) => [test, effectSize])), closed };
}
