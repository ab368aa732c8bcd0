import { describe, expect, it } from "vitest";
import { dependency, Slurm, slurmScripts } from "./slurm.ts";

const plan = {
  ...{ root: "/shared/work", sweep: "seeds", glue: ["cola"], where: false, data: ["inputs/1:data"], node: "/bin/node" },
  points: ["seed=1", "seed=2"].map((name) => ({ name, overrides: [] })),
  baseline: "baseline",
};
const scripts = (settings: object = {}) => slurmScripts({ ...plan, slurm: Slurm.parse(settings) });
const named = (name: string, settings?: object) => scripts(settings).find((script) => script.name === name)!;

describe("a sweep as jobs of Slurm", () => {
  it("has an array for each level, an element for each task, and the report at the end", () => {
    expect(scripts().map(({ name, tasks }) => [name, tasks.length])).toEqual([
      ["data", 1],
      ["train", 2],
      ["baseline", 2],
      ["bias", 2],
      ["glue-cola", 2],
      ["report", 1],
    ]);
    expect(named("bias").tasks[1]).toBe("seeds/seed=2/bias:bias");
    expect(named("train").text).toContain("#SBATCH --array=0-1\n");
  });

  it("waits: an element for the same one before it, the report for all, however they ended", () => {
    const jobs = new Map([["train", "12"]]);
    expect(dependency(named("data"), jobs)).toBe(undefined);
    expect(dependency(named("train"), jobs)).toBe("afterok:<data>");
    expect(dependency(named("glue-cola"), jobs)).toBe("aftercorr:12");
    expect(dependency(named("report"), jobs)).toBe("afterany:<bias>,afterany:<glue-cola>,afterany:<baseline>");
  });

  it("asks for what the settings say, a GPU for what computes alone", () => {
    const settings = { partition: "gpu", gres: "gpu:1", time: "2:00:00", cpus: "4", at_once: "8" };
    expect(named("train", settings).text).toMatch(
      /--array=0-1%8\n#SBATCH --partition=gpu\n#SBATCH --time=2:00:00\n#SBATCH --gres=gpu:1\n#SBATCH --cpus-per-task=4/,
    );
    expect(named("data", settings).text).not.toContain("gres");
  });
});
