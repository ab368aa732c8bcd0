import { defineConfig } from "vitest/config";
import type { Reporter } from "vitest/node";

/** The closing line that CI reads. */
const tally: Reporter = {
  onTestRunEnd(modules) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    console.log(`${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
  },
};

export default defineConfig({
  test: {
    include: ["{packages,tools}/*/{src,test}/**/*.test.ts", "bench/src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", tally],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
