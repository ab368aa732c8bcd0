import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createProjectGraphAsync, workspaceRoot } from "@nx/devkit";
import { createTaskHasher } from "nx/src/hasher/create-task-hasher.js";
import { createTaskGraph } from "nx/src/tasks-runner/create-task-graph.js";

// Run in a workspace, prints what Nx hashes each task of a sweep to: { "PROJECT:TARGET": "HASH" }.
const [sweep = ""] = process.argv.slice(2);
const graph = await createProjectGraphAsync({ exitOnError: true });
const tasks = createTaskGraph(graph, {}, [sweep], ["report"], undefined, {});
const all = Object.values(tasks.tasks);
const environments = Object.fromEntries(all.map(({ id }) => [id, process.env]));
const hashes = await createTaskHasher(
  graph,
  JSON.parse(readFileSync(join(workspaceRoot, "nx.json"), "utf8")),
).hashTasks(all, tasks, environments);
process.stdout.write(JSON.stringify(Object.fromEntries(all.map(({ id }, i) => [id, hashes[i]!.value]))));
process.exit(0);
