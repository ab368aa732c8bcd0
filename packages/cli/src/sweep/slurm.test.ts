import { describe, expect, it } from "vitest";
import { dependency, Slurm, slurmScripts, type SlurmPlan } from "./slurm.ts";

const targets = ["bias", "glue-cola"];
const plan = {
  ...{ root: "/shared/work", sweep: "seeds", data: [{ task: "inputs/1:data" }], node: "/bin/node" },
  points: ["seed=1", "seed=2"].map((name) => ({ name, targets, data: 0 })),
  baselines: [{ name: "baseline", targets, data: 0 }],
  ...{ classifiers: [], pretrains: false },
};
const scripts = (settings: object = {}, more: Partial<SlurmPlan> = {}) =>
  slurmScripts({ ...plan, ...more, slurm: Slurm.parse(settings) });
const named = (name: string, settings?: object, more?: Partial<SlurmPlan>) =>
  scripts(settings, more).find((script) => script.name === name)!;

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
    expect(dependency(named("train"), jobs)).toBe("afterany:<data>");
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

  it("makes classifiers first, where there is a GPU: data waits for them, and what trains for data", () => {
    const classifiers = ["classifiers/m/cola-1:finetune", "classifiers/m/cola-2:finetune"];
    expect(scripts({}, { classifiers }).map(({ name }) => name)).toEqual([
      ...["classifiers", "data", "train", "baseline", "bias", "glue-cola", "report"],
    ]);
    const first = named("classifiers", { gres: "gpu:1", at_once: "8" }, { classifiers });
    expect(first.tasks).toEqual(classifiers);
    expect(first.text).toMatch(/--array=0-1%8\n[\s\S]*--gres=gpu:1\n/);
    expect(dependency(named("data", {}, { classifiers }), new Map([["classifiers", "7"]]))).toBe("afterany:7");
    // A model that is made first is made by one of them, not by all at once.
    expect(named("classifiers", {}, { classifiers, pretrains: true }).text).toContain("--array=0-1%1\n");
  });

  it("runs an element only where the one that it needs ended well, whatever became of others", () => {
    const more = {
      classifiers: ["classifiers/m/cola-1:finetune", "classifiers/m/rte-1:finetune"],
      data: [
        { task: "inputs/1:data", classifier: 0 },
        { task: "inputs/2:data", classifier: 1 },
      ],
      points: [0, 1, 1].map((data, n) => ({ name: `seed=${n}`, targets, data })),
    };
    const text = (name: string) => named(name, {}, more).text;
    const word =
      'mkdir -p runs/seeds/slurm/done\ntouch "runs/seeds/slurm/done/${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"\n';
    expect(text("classifiers").endsWith(word)).toBe(true);
    expect(text("data").endsWith(word)).toBe(true);
    expect(text("data")).toContain("needs=([0]=0 [1]=1)\n");
    expect(text("train")).toContain("needs=([0]=0 [1]=1 [2]=1)\n");
    expect(text("train")).toContain('[ ! -e "runs/seeds/slurm/done/$1_$need" ]');
    expect(text("train")).not.toContain("touch");
    expect(text("baseline")).toContain("needs=([0]=0 [1]=0)\n");
    expect(text("bias")).not.toContain("needs");
    expect(["data", "train", "bias"].map((name) => named(name, {}, more).needs)).toEqual([
      "classifiers",
      "data",
      undefined,
    ]);
    expect(named("data").needs).toBe(undefined);
  });

  it("numbers elements as their points, where some points have none", () => {
    const points = ["cola", "rte", "cola"].map((task, seed) => ({
      ...{ name: `seed=${seed}`, targets: ["bias", `glue-${task}`], data: 0 },
    }));
    const cola = named("glue-cola", {}, { points });
    expect(cola.tasks).toEqual(["seeds/seed=0/glue-cola:glue-cola", "seeds/seed=2/glue-cola:glue-cola"]);
    expect(cola.text).toContain("#SBATCH --array=0,2\n");
    expect(cola.text).toContain("  [2]='seeds/seed=2/glue-cola:glue-cola'\n");
    expect(named("glue-rte", {}, { points }).text).toContain("#SBATCH --array=1\n");
    expect(named("bias", {}, { points }).text).toContain("#SBATCH --array=0-2\n");
  });
});
