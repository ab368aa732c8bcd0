import { defineConfig } from "vitest/config";
import type { Reporter } from "vitest/node";

/** The closing line that CI reads. */
const tally: Reporter = {
  onTestRunEnd(modules, unhandled) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    // A file that cannot be loaded has no tests to fail, and an error outside of tests is none of theirs.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    console.log(`${count("skipped")} skipped`);
    console.log(`${count("passed")} passed, ${count("failed") + broken} failed`);
  },
};

export default defineConfig({
  test: {
    include: [
      "{packages,tools}/*/{src,test}/**/*.test.ts",
      "bench/src/**/*.test.ts",
      "examples/*/*.test.ts",
      "test/**/*.test.ts",
    ],
    reporters: ["default", tally],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
