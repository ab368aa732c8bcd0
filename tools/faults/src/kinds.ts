import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileIn, restore } from "./folders.ts";
import { serveFiles } from "./hub-server.ts";
import { run } from "./run.ts";
import { stages, SWEEP } from "./stages.ts";
import type { Workplace } from "./workplace.ts";

/** A kind of file that is damaged, and the command that reads it. */
export interface Kind {
  readonly name: string;
  readonly line: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Puts everything back to where the file is whole. */
  readonly reset: () => void;
  readonly file: () => string;
  /** What must not change where the command ends well, below the workspace's root. */
  readonly results: readonly string[];
  /** What an error says that names the file. */
  readonly named: RegExp;
  /** What is said where it is made again. */
  readonly mended: RegExp;
}

/** Every kind of file that is kept and read again. */
export async function kinds(place: Workplace): Promise<Kind[]> {
  const { root, model, overrides } = place;
  await stages(place);
  const given = (name: string) => join(root, "given", name);
  const [runs, swept, trained] = [join(root, "runs"), given("swept"), given("run")];
  const hub = await serveFiles(given("served"));
  if (!existsSync(given("served"))) {
    mkdirSync(given("served"), { recursive: true });
    writeFileSync(given("served/corpus.txt.gz"), gzipSync(readFileSync(given("data/corpus.txt"))));
    cpSync(model, given("served/org/small"), { recursive: true });
  }
  const fromHub = { HF_ENDPOINT: hub.url, HF_HOME: join(runs, "hub") };
  const atUrl = overrides.map((word) => word.replace(/(datafiles\.plaintext)=.*/, `$1=${hub.url}/corpus.txt.gz`));
  const clear = () => rmSync(runs, { recursive: true, force: true });
  /** Keeps what a command leaves, to start each trial from. */
  const after = async (name: string, words: readonly string[], env?: NodeJS.ProcessEnv) => {
    const kept = given(`kept-${name}`);
    clear();
    await run(place, words, env);
    restore(runs, kept);
    return () => restore(kept, runs);
  };
  const data = ["data", ...overrides];
  const prepared = await after("data", data);
  const exported = ["export", trained, "--to", join(runs, "export")];
  const again = ["export", join(runs, "export"), "--to", join(runs, "again")];
  const train = ["train", ...overrides, "--resume", "--out", join(runs, "train")];
  const [afterExport, afterTrain] = [await after("export", exported), await after("train", train)];
  const download = ["data", ...atUrl];
  const afterDownload = await after("download", download);
  const fetched = ["export", "org/small", "--to", join(runs, "export")];
  const afterFetch = await after("hub", fetched, fromHub);
  const report = { line: ["report", SWEEP], reset: () => restore(join(swept, "runs"), runs) };
  const reported = { ...report, results: [] as string[], mended: /$^/ };
  const point = () => join(runs, SWEEP, "prune_block_size=8");
  const none = { mended: /$^/, results: [] as string[] };
  const checkpoint = (name: RegExp) => ({
    ...{ line: train, reset: afterTrain, results: ["runs/train"], named: /checkpoints/, mended: /expected|damaged/ },
    file: () => fileIn(join(runs, "train/checkpoints"), name),
  });
  const newest = (file: string) => ({
    ...checkpoint(/$^/),
    file: () => join(runs, "train/checkpoints/step-00000012", file),
  });
  return [
    {
      ...{
        name: "arrow",
        line: data,
        reset: prepared,
        results: ["runs/data"],
        named: /male\.arrow/,
        mended: /making it again/,
      },
      file: () => fileIn(join(runs, "data"), /^male\.arrow$/),
    },
    {
      ...{ name: "manifest", line: data, reset: prepared, results: ["runs/data"], named: /manifest/, mended: /$^/ },
      file: () => fileIn(join(runs, "data"), /^manifest\.json$/),
    },
    {
      ...{
        name: "gzip",
        line: download,
        reset: afterDownload,
        results: ["runs/data"],
        named: /corpus\.txt\.gz/,
        mended: /$^/,
      },
      file: () => fileIn(join(runs, "data/downloads"), /corpus\.txt\.gz$/),
    },
    {
      ...{
        name: "scores",
        line: ["masks", join(runs, "train")],
        reset: afterTrain,
        ...none,
        named: /scores\.safetensors/,
      },
      file: () => join(runs, "train/scores.safetensors"),
    },
    {
      ...{ name: "safetensors", line: again, reset: afterExport, ...none, named: /model\.safetensors/ },
      file: () => join(runs, "export/model.safetensors"),
    },
    {
      ...{ name: "model-json", line: again, reset: afterExport, ...none, named: /export\/config\.json|neither/ },
      file: () => join(runs, "export/config.json"),
    },
    { name: "checkpoint-state", ...newest("state.json") },
    { name: "checkpoint-tensors", ...newest("m.safetensors") },
    { name: "checkpoint-settings", ...checkpoint(/^settings\.json$/) },
    { name: "bias-json", ...reported, file: () => join(point(), "bias.json"), named: /bias\.json/ },
    { name: "glue-json", ...reported, file: () => join(point(), "glue/cola-42.json"), named: /cola-42\.json/ },
    { name: "masks-json", ...reported, file: () => join(point(), "masks.json"), named: /masks\.json/ },
    { name: "metrics", ...reported, file: () => join(point(), "metrics.jsonl"), named: /metrics\.jsonl/ },
    {
      ...{ name: "hub-blob", line: fetched, env: fromHub, reset: afterFetch, results: ["runs/export", "runs/hub"] },
      ...{ named: /model\.safetensors|small/, mended: /fetching it again/ },
      file: () => fileIn(join(runs, "hub/hub/models--org--small/blobs"), /./),
    },
  ];
}
