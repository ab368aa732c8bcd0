export { project, projected, type Projection, projectionMatrix } from "./projection.ts";
export { withProjectedHead } from "./projected-head.ts";
export { readProjection, writeProjection } from "./projection-file.ts";
