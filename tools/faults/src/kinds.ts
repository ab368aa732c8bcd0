import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileIn, restore } from "./folders.ts";
import { serveFiles } from "./hub-server.ts";
import { run } from "./run.ts";
import { stages, SWEEP } from "./stages.ts";
import { type Workplace, withSettings } from "./workplace.ts";

/** A kind of file that is damaged, and the command that reads it. */
export interface Kind {
  readonly name: string;
  readonly line: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Puts everything back to where the file is whole; makes that, the first time. */
  readonly reset: () => Promise<void>;
  readonly file: () => string;
  /** Folders whose files must not change where the command ends well, below the workspace's root; none where nobody could notice. */
  readonly results: readonly string[];
  /** Under which name one of those files is compared; `undefined`: not at all. By default each under its own. */
  readonly compared?: (name: string) => string | undefined;
  /** What an error says that names the file. */
  readonly named: RegExp;
  /** What is said where it is made again. */
  readonly mended: RegExp;
  /** What results say more often where the file is not there. */
  readonly missing?: RegExp;
}

/** Every kind of file that is kept and read again. */
export async function kinds(place: Workplace): Promise<Kind[]> {
  const { root } = place;
  const runs = join(root, "runs");
  const served = { ...place, hub: await serve(place), runs, after };
  return [prepared, models, trainings, tasks, reports, fromHub].flatMap((group) => group(served));

  /** Starts a trial from what a command leaves, which is kept. */
  function after(name: string, words: readonly string[], env?: NodeJS.ProcessEnv): Kind["reset"] {
    const folder = join(root, "given", `kept-${name}`);
    let kept: Promise<void> | undefined;
    const keep = async () => {
      // Some start from a run.
      await stages(place, ["export"]);
      rmSync(runs, { recursive: true, force: true });
      await run(place, words, env);
      restore(runs, folder);
    };
    return async () => {
      await (kept ??= keep());
      restore(folder, runs);
    };
  }
}

interface Served extends Workplace {
  /** Address of the hub on this machine. */
  readonly hub: string;
  readonly runs: string;
  readonly after: (name: string, words: readonly string[], env?: NodeJS.ProcessEnv) => Kind["reset"];
}

/** What downloads come from: a corpus, a model, and GLUE as the hub has it. */
async function serve({ root, model }: Workplace): Promise<string> {
  const served = join(root, "given/served");
  if (!existsSync(served)) {
    mkdirSync(served, { recursive: true });
    writeFileSync(join(served, "corpus.txt.gz"), gzipSync(readFileSync(join(root, "given/data/corpus.txt"))));
    cpSync(model, join(served, "org/small"), { recursive: true });
    for (const [split, sample] of Object.entries({ train: "snappy", validation: "plain" }))
      cpSync(
        join(import.meta.dirname, "fuzz/samples", `${sample}.parquet`),
        join(served, `datasets/nyu-mll/glue/cola/${split}-00000-of-00001.parquet`),
      );
  }
  return (await serveFiles(served)).url;
}

const CORPUS = "datamodule.datafiles.plaintext";

/** The corpus, and the sentences that are kept of it. */
function prepared({ root, runs, hub, overrides, after }: Served): Kind[] {
  const data = ["data", ...overrides];
  const kept = { line: data, reset: after("data", data), results: ["runs/data"] };
  const download = ["data", ...withSettings(overrides, { [CORPUS]: `${hub}/corpus.txt.gz` })];
  const fetched = { line: download, reset: after("download", download), results: ["runs/data"] };
  const withoutDigest = (name: string) => (name.endsWith(".gz.sha256") ? undefined : name);
  const own = join(runs, "corpus.txt.gz");
  return [
    {
      ...{ ...kept, name: "arrow", named: /male\.arrow/, mended: /making it again/ },
      file: () => fileIn(join(runs, "data"), /^male\.arrow$/),
    },
    {
      ...{ ...kept, name: "manifest", named: /manifest/, mended: /$^/ },
      file: () => fileIn(join(runs, "data"), /^manifest\.json$/),
    },
    {
      ...{ ...fetched, name: "gzip", named: /corpus\.txt\.gz/, mended: /fetching it again/ },
      file: () => fileIn(join(runs, "data/downloads"), /corpus\.txt\.gz$/),
    },
    {
      ...{ ...fetched, name: "digest-of-download", named: /corpus\.txt\.gz/, mended: /fetching it again/ },
      compared: withoutDigest,
      file: () => fileIn(join(runs, "data/downloads"), /corpus\.txt\.gz\.sha256$/),
    },
    {
      // Somebody's own, with nothing beside it that knows its digest: gzip's checksum does.
      ...{ name: "own-gzip", line: ["data", ...withSettings(overrides, { [CORPUS]: own })], named: /corpus\.txt\.gz/ },
      ...{ results: ["runs/data"], mended: /$^/ },
      // Kept under a digest of the file: a bit of its header that means nothing gives the same sentences another folder.
      compared: (name) => name.replace(/sentences-[0-9a-f]+/, "sentences"),
      async reset() {
        rmSync(runs, { recursive: true, force: true });
        cpSync(join(root, "given/served/corpus.txt.gz"), own);
      },
      file: () => own,
    },
  ];
}

/** What a run, and an export, leave of a model. */
function models({ root, runs, overrides, after }: Served): Kind[] {
  const [run, trained] = [join(root, "given/run"), join(runs, "train")];
  const exported = ["export", run, "--to", join(runs, "export")];
  const again = (from: string) => ({
    ...{ line: ["export", from, "--to", join(runs, "again")], results: ["runs/again"], compared: withoutCard },
    mended: /$^/,
  });
  const folder = { ...again(join(runs, "export")), reset: after("export", exported) };
  const ofRun = { ...again(trained), reset: after("run", ["train", ...overrides, "--out", trained]) };
  return [
    {
      ...{ ...ofRun, name: "scores", named: /scores\.safetensors/ },
      file: () => join(trained, "scores.safetensors"),
    },
    {
      ...{ ...ofRun, name: "run-settings", named: /train\/config\.json/ },
      file: () => join(trained, "config.json"),
    },
    {
      ...{ ...folder, name: "safetensors", named: /model\.safetensors/ },
      file: () => join(runs, "export/model.safetensors"),
    },
    {
      ...{ ...folder, name: "model-json", named: /export\/config\.json|neither/ },
      file: () => join(runs, "export/config.json"),
    },
    {
      ...{ ...folder, name: "tokenizer-json", named: /export(\/tokenizer\.json|: )/ },
      file: () => join(runs, "export/tokenizer.json"),
    },
    {
      ...{ ...folder, name: "digests", named: /export\/|SHA256SUMS/ },
      file: () => join(runs, "export/SHA256SUMS"),
    },
  ];
}

/** A model's card says what it was made of, and so does the list of digests. */
const withoutCard = (name: string): string | undefined => (/README\.md$|SHA256SUMS$/.test(name) ? undefined : name);

/** What training goes on from, and what it keeps of the model that it starts with. */
function trainings({ runs, overrides, after }: Served): Kind[] {
  const words = ["train", ...overrides, "--out", join(runs, "train")];
  const train = [...words, "--resume"];
  // Embeddings of few sentences are not kept.
  const changes = { "trainer.max_epochs": "1", "trainer.limit_train_batches": "80", "datamodule.batch_size": "32" };
  const many = ["train", ...withSettings(overrides, changes), "--out", join(runs, "train")];
  const checkpoint = {
    ...{ line: train, reset: after("train", train), results: ["runs/train"] },
    ...{ named: /checkpoints/, mended: /expected|damaged/ },
  };
  const newest = (file: string) => () => join(runs, "train/checkpoints/step-00000012", file);
  return [
    { name: "checkpoint-state", ...checkpoint, file: newest("state.json") },
    { name: "checkpoint-tensors", ...checkpoint, file: newest("m.safetensors") },
    {
      ...{ name: "checkpoint-settings", ...checkpoint },
      file: () => join(runs, "train/checkpoints/settings.json"),
    },
    {
      ...{ name: "embeddings", line: many, reset: after("embeddings", many), results: ["runs/train", "runs/data"] },
      ...{ named: /originals/, mended: /computing them again/ },
      file: () => fileIn(join(runs, "data/originals"), /\.arrow$/),
    },
  ];
}

/** GLUE as the hub has it, and its tokens. */
function tasks({ root, runs, hub, model, overrides, after }: Served): Kind[] {
  const glue = (own: readonly string[]) => [
    ...["glue", "--model", model, "--scores", join(root, "given/run/scores.safetensors"), "--task", "cola"],
    ...["--out", join(runs, "glue"), ...own],
  ];
  const env = { HF_ENDPOINT: hub, HF_HOME: join(runs, "hub") };
  const download = glue(withSettings(overrides, { "datamodule.glue_data": "nyu-mll/glue" }));
  const results = ["runs/glue", "runs/data"];
  const snapshots = join(runs, "hub/hub/datasets--nyu-mll--glue/snapshots");
  const fetched = { line: download, env, reset: after("glue-download", download, env), results };
  const words = glue(overrides);
  const parquet = join(root, "given/served/datasets/nyu-mll/glue");
  const own = glue(withSettings(overrides, { "datamodule.glue_data": join(runs, "own") }));
  return [
    {
      ...{ ...fetched, name: "parquet", named: /\.parquet/, mended: /fetching it again/ },
      file: () => realpathSync(join(snapshots, readdirSync(snapshots)[0]!, "cola/train-00000-of-00001.parquet")),
    },
    {
      // Somebody's own, in a form that has a checksum of nothing: what is read of it may be another text.
      ...{ line: own, name: "own-parquet", named: /\.parquet|cola/, mended: /$^/, results: [] },
      async reset() {
        rmSync(runs, { recursive: true, force: true });
        cpSync(parquet, join(runs, "own"), { recursive: true });
      },
      file: () => fileIn(join(runs, "own"), /^train-.*\.parquet$/),
    },
    {
      ...{ line: words, reset: after("glue", words), results },
      ...{ name: "glue-tokens", named: /glue-tokens/, mended: /making it again/ },
      file: () => fileIn(join(runs, "data/glue-tokens"), /^cola-train-.*\.arrow$/),
    },
  ];
}

/** What the report reads of a point. */
function reports({ runs, ...place }: Served): Kind[] {
  const point = (file: string) => () => join(runs, SWEEP, "prune_block_size=8", file);
  const report = {
    line: ["report", SWEEP],
    async reset() {
      await stages(place, ["report"]);
      const swept = join(place.root, "given/swept");
      for (const folder of ["runs", "experiments"]) restore(join(swept, folder), join(place.root, folder));
    },
    ...{ results: [`runs/${SWEEP}`], mended: /$^/, missing: /not run|No validations/ },
    compared: (name: string) => (/report\.html$|results\.(csv|tex)$/.test(name) ? name : undefined),
  };
  return [
    { ...report, name: "bias-json", file: point("bias.json"), named: /bias\.json/ },
    { ...report, name: "glue-json", file: point("glue/cola-42.json"), named: /cola-42\.json/ },
    { ...report, name: "masks-json", file: point("masks.json"), named: /masks\.json/ },
    { ...report, name: "metrics", file: point("metrics.jsonl"), named: /metrics\.jsonl/ },
    { ...report, name: "digests-of-run", file: point("train.sha256"), named: /prune_block_size=8/ },
  ];
}

/** A model in the hub's cache. */
function fromHub({ runs, hub, after }: Served): Kind[] {
  const env = { HF_ENDPOINT: hub, HF_HOME: join(runs, "hub") };
  const line = ["export", "org/small", "--to", join(runs, "export")];
  const kept = {
    ...{ line, env, reset: after("hub", line, env), results: ["runs/export", "runs/hub"] },
    ...{ named: /org\/small/, mended: /fetching it again/ },
  };
  const folder = join(runs, "hub/hub/models--org--small");
  const blob = (file: string) => () => {
    const [snapshot = ""] = readdirSync(join(folder, "snapshots"));
    return realpathSync(join(folder, "snapshots", snapshot, file));
  };
  return [
    { ...kept, name: "hub-config", file: blob("config.json") },
    { ...kept, name: "hub-tokenizer", file: blob("tokenizer.json") },
    { ...kept, name: "hub-weights", file: blob("model.safetensors") },
    { ...kept, name: "hub-ref", file: () => join(folder, "refs/main") },
  ];
}
