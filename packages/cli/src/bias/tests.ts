import {
  type CrowsPair,
  readCrowsPairs,
  readStereoSet,
  readWinoBias,
  readWordList,
  type SeatTest,
  type StereoSetExample,
  type WinoBiasPair,
} from "@pruning-bias/data";
import type { Context } from "../commands/context.ts";
import { loadSeatTests, testFile } from "../commands/inputs.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../usage-error.ts";

const families = ["seat", "weat", "layers", "where", "probing", "stereoset", "crows", "winobias"] as const;
type Family = (typeof families)[number];
const needHead: readonly Family[] = ["stereoset", "crows", "winobias"];
const wordTests = ["WEAT6", "WEAT6b", "WEAT7", "WEAT7b", "WEAT8", "WEAT8b"] as const;

/** Sentences of the probing test, each about one word. */
export interface ProbeSentence {
  readonly sentence: string;
  readonly word: string;
  readonly male: boolean;
}

/** What is to be measured, with its test sets; absent where it was not asked for. */
export interface BiasTests {
  /** SEAT and WEAT: one family of tests, corrected together. */
  readonly associations: readonly SeatTest[];
  /** SEAT tests at every layer. */
  readonly layers?: readonly SeatTest[];
  /** SEAT tests with heads closed. */
  readonly where?: readonly SeatTest[];
  readonly probing?: readonly ProbeSentence[];
  readonly stereoset?: readonly StereoSetExample[];
  readonly crows?: readonly CrowsPair[];
  readonly winobias?: readonly WinoBiasPair[];
}

/** Names of tests as they are typed: a family, or one SEAT or WEAT test of the settings. */
export interface BiasPlan {
  /** Bias types of CrowS-Pairs; `all` for all. */
  readonly crowsTypes: readonly string[];
  readonly families: ReadonlySet<Family>;
  readonly single: readonly string[];
}

/** What `--tests` asks for. @throws UsageError for a name that is none */
export function biasPlan(
  names: readonly string[],
  config: Config,
  crowsTypes: readonly string[] = ["gender"],
): BiasPlan {
  const places = placesOf(config);
  const unknown = names.find((name) => !isFamily(name) && !Object.hasOwn(places, name));
  if (unknown !== undefined || names.length === 0) {
    const known = [...families, ...Object.keys(places)].join(", ");
    throw new UsageError(`--tests: expected some of ${known}, got ${JSON.stringify(unknown ?? "")}`);
  }
  return { families: new Set(names.filter(isFamily)), single: names.filter((name) => !isFamily(name)), crowsTypes };
}

/** Whether a plan can be measured by a masked language model alone. */
export const needsMaskedLm = ({ families }: BiasPlan): boolean => needHead.some((family) => families.has(family));

/** Reads the test sets of a plan. @throws Error in one line that names the file which is none */
export async function loadBiasTests(
  { families, single, crowsTypes }: BiasPlan,
  config: Config,
  context: Context,
): Promise<BiasTests> {
  const places = placesOf(config);
  const { datafiles, seat_data } = config.datamodule;
  const read = (names: readonly string[]) =>
    loadSeatTests(config, context, Object.fromEntries(names.map((name) => [name, places[name]!])));
  const seat = Object.keys(seat_data);
  const names = [...(families.has("seat") ? seat : []), ...(families.has("weat") ? wordTests : []), ...single];
  const file = (place: string) => testFile(place, config, context);
  const configured = families.has("layers") || families.has("where") ? await read(seat) : [];
  return {
    associations: await read([...new Set(names)]),
    ...(families.has("layers") && { layers: configured }),
    ...(families.has("where") && { where: configured }),
    ...(families.has("probing") && { probing: await probeSentences(config, file) }),
    ...(families.has("stereoset") && { stereoset: await readStereoSet(await file(datafiles.stereoset)) }),
    ...(families.has("crows") && { crows: await crowsOfTypes(await file(datafiles.crows), crowsTypes) }),
    ...(families.has("winobias") && { winobias: await winoBiasPairs(config, file) }),
  };
}

/** @throws Error in one line for a type that the file has not */
async function crowsOfTypes(path: string, types: readonly string[]): Promise<CrowsPair[]> {
  const pairs = await readCrowsPairs(path);
  if (types.includes("all")) return pairs;
  const known = [...new Set(pairs.map(({ biasType }) => biasType))].sort();
  const unknown = types.find((type) => !known.includes(type));
  if (unknown !== undefined) {
    throw new UsageError(`--crows-types: expected all, or some of ${known.join(", ")}, got ${JSON.stringify(unknown)}`);
  }
  return pairs.filter(({ biasType }) => types.includes(biasType));
}

const isFamily = (name: string): name is Family => (families as readonly string[]).includes(name);

/** SEAT and WEAT tests that can be named one by one. */
function placesOf({ datamodule }: Config): Record<string, string> {
  const published = Object.entries(datamodule.datafiles).filter(([name]) => /^(SEAT|WEAT)/.test(name));
  return { ...Object.fromEntries(published), ...datamodule.seat_data };
}

async function winoBiasPairs({ datamodule: { datafiles } }: Config, file: (place: string) => Promise<string>) {
  const parts = await Promise.all([
    readWinoBias(await file(datafiles.winobias_pro_type1), await file(datafiles.winobias_anti_type1)),
    readWinoBias(await file(datafiles.winobias_pro_type2), await file(datafiles.winobias_anti_type2)),
  ]);
  return parts.flatMap(({ pairs }) => pairs);
}

/** The gender words that are in one list alone, in SEAT's bleached sentences. */
async function probeSentences(
  { datamodule: { datafiles } }: Config,
  file: (place: string) => Promise<string>,
): Promise<ProbeSentence[]> {
  const [male, female] = await Promise.all(
    [datafiles.attributes_male, datafiles.attributes_female].map(
      async (place) => (await readWordList(await file(place))).words,
    ),
  );
  const only = (own: ReadonlySet<string>, other: ReadonlySet<string>) => [...own].filter((word) => !other.has(word));
  const about = (words: readonly string[], male: boolean) =>
    words.flatMap((word) =>
      bleached.map((sentence) => ({ sentence: sentence(word.replaceAll("_", " ")), word, male })),
    );
  return [...about(only(male!, female!), true), ...about(only(female!, male!), false)];
}

const bleached = [
  (word: string) => `This is ${word}.`,
  (word: string) => `That is ${word}.`,
  (word: string) => `There is ${word}.`,
  (word: string) => `Here is ${word}.`,
];
