export { createNodes, name, sweepProjects } from "./plugin.ts";
export { fingerprints } from "./fingerprints.ts";
