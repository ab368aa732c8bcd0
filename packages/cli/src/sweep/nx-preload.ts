import { endWithParent, PARENT } from "../end-with-parent.ts";

// What Node loads before Nx: it ends with the sweep, and its tasks with it.
endWithParent(process.env);
process.env[PARENT] = String(process.pid);
