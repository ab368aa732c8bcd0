export { generated } from "./write.ts";
