import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { compose, knownKeys, parseSweep, points } from "@pruning-bias/cli";
import { readSweepFile } from "@pruning-bias/cli/sweep";
import { givenSettings } from "../../../../../packages/cli/src/commands/given.ts";
import { projectsOrComplaint } from "../../../../nx-sweep/src/plugin.ts";
import { mutateJson } from "../json.ts";
import { overrideLine } from "../overrides.ts";
import type { Reader } from "../reader.ts";
import { fileCase } from "./file.ts";

const sweep = {
  $schema: "../sweep.schema.json",
  base: ["experiment=debias_head_pruning_frozen", "trainer.max_epochs=1"],
  grid: { "model.embedding_layer": ["last", "all"], seed: [1, 2], "pruning.final_threshold": [0.05] },
  glue: ["cola", "rte"],
  glueSeeds: [1, 2],
  slurm: { partition: "main", cpus: 4 },
};

/** A name that stays in its folder wherever it is made into a path. */
function checkNames(names: readonly string[]): void {
  const bad = names.find((name) => !/^[\w.+=,-]+$/.test(name) || /^\.+$/.test(name));
  if (bad !== undefined) throw new TypeError(`a point's name that is no folder's: ${JSON.stringify(bad.slice(0, 80))}`);
}

export const settings: readonly Reader[] = [
  {
    name: "overrides of a command line",
    async prepare() {
      const known = knownKeys();
      return async (random) => {
        const words = overrideLine(known, random);
        return {
          async read() {
            const found = points(parseSweep(words));
            checkNames(found.map(({ name }) => name));
            for (const { overrides } of found.slice(0, 8)) compose(overrides);
          },
        };
      };
    },
  },
  {
    name: "settings that Nx hands over (RUN_CONFIG)",
    async prepare() {
      const { config } = compose(["experiment=demo"]);
      const own = [config, compose(["experiment=debias_head_pruning_frozen"]).config];
      return async (random) => {
        const text = mutateJson(random.pick(own), random).toString();
        return {
          places: ["RUN_CONFIG"],
          async read() {
            const settings = givenSettings(text);
            const strange = Object.keys(settings).filter((key) => !(key in config));
            if (strange.length > 0) throw new TypeError(`settings that are none: ${strange.join(" ")}`);
          },
        };
      };
    },
  },
  {
    name: "sweep.json",
    async prepare(folder) {
      const dir = join(folder, "experiments", "mine");
      await mkdir(dir, { recursive: true });
      const path = join(dir, "sweep.json");
      return async (random) => {
        const written = await fileCase(path, mutateJson(sweep, random), async () => {
          const found = points(readSweepFile(path));
          checkNames(found.map(({ name }) => name));
          for (const { overrides } of found.slice(0, 8)) compose(overrides);
        });
        return { read: written.read };
      };
    },
  },
  {
    name: "sweep.json, as Nx sees it",
    async prepare(folder) {
      const file = join("experiments", "mine", "sweep.json");
      await mkdir(join(folder, "experiments", "mine"), { recursive: true });
      const workspace = join(import.meta.dirname, "../../../../..");
      await linkPackages(workspace, folder);
      return async (random) => {
        const written = await fileCase(join(folder, file), mutateJson(sweep, random), async () => {
          const projects = projectsOrComplaint(folder, file);
          const outside = projects.find(({ root }) => !join(folder, root).startsWith(join(folder, "/")));
          if (outside !== undefined) throw new TypeError(`a project outside of the workspace: ${outside.root}`);
        });
        return { read: written.read };
      };
    },
  },
];

/** Nx's plugin digests the sources that a task runs. */
async function linkPackages(workspace: string, folder: string): Promise<void> {
  for (const part of ["packages", "tools"]) await symlink(join(workspace, part), join(folder, part));
}
