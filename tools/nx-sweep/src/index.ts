export { createNodes, name, projectsOrComplaint, sweepProjects } from "./plugin.ts";
export { fingerprints } from "./fingerprints.ts";
