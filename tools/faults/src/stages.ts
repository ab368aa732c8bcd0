import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import type { Workplace } from "./workplace.ts";

/** A command whose process is killed, and whose results are compared. */
export interface Stage {
  readonly name: string;
  /** The words of the command; said again, it goes on. */
  readonly line: readonly string[];
  /** Puts everything back to what it was before the command. */
  readonly reset: () => void;
}

/** What a stage leaves, below the workspace's root: all that is not given to it. */
export const results = ["runs", "experiments", ".nx/cache"] as const;

/** Sweep of the campaign: two points, each trained, measured and fine-tuned. */
export const SWEEP = "small";
export const GRID = "prune_block_size=8,16";

/** The stages of the pipeline, each from a state that an undisturbed run of those before it left. */
export async function stages(place: Workplace, only?: readonly string[]): Promise<Stage[]> {
  const wanted = (...names: readonly string[]) => only === undefined || names.some((name) => only.includes(name));
  const { root, model, overrides } = place;
  const grid = overrides.map((word) => (word.startsWith("prune_block_size=") ? GRID : word));
  const trained = join(root, "given/run");
  const swept = join(root, "given/swept");
  const clear = () => {
    for (const name of [...results, ".nx/workspace-data"]) rmSync(join(root, name), { recursive: true, force: true });
  };
  const sweep = ["sweep", `name=${SWEEP}`, ...grid, "--glue", "cola"];
  if (wanted("glue", "export") && !existsSync(join(trained, "summary.json"))) {
    clear();
    await run(place, ["train", ...overrides, "--out", trained]);
  }
  if (wanted("report") && !existsSync(swept)) {
    clear();
    await run(place, sweep);
    for (const file of ["report.html", "results.csv", "results.tex"]) rmSync(join(root, "runs", SWEEP, file));
    cpSync(join(root, "runs"), join(swept, "runs"), { recursive: true });
    cpSync(join(root, "experiments"), join(swept, "experiments"), { recursive: true });
  }
  const out = (name: string) => join(root, "runs", name);
  return [
    { name: "data", line: ["data", ...overrides], reset: clear },
    { name: "train", line: ["train", ...overrides, "--resume", "--out", out("train")], reset: clear },
    {
      name: "glue",
      line: [
        ...["glue", "--model", model, "--scores", join(trained, "scores.safetensors"), "--task", "cola,mrpc"],
        ...["--resume", "--out", out("glue"), ...overrides],
      ],
      reset: clear,
    },
    {
      name: "export",
      line: ["export", trained, "--to", out("export"), "--form", "compact", "--onnx"],
      reset: clear,
    },
    {
      name: "report",
      line: ["report", SWEEP],
      reset: () => {
        clear();
        cpSync(swept, root, { recursive: true });
      },
    },
    { name: "sweep", line: sweep, reset: clear },
  ];
}
