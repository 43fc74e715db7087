/**
 * How the tests run: in child processes (a test may enter namespaces, load libc and end workers), two at a time.
 * Kernel tests share the run with the others; each makes its own namespaces, so they need no order.
 */
import { defineConfig } from "vitest/config";
import { closingLine } from "./lab/closing-line.ts";

export default defineConfig({
  test: {
    environment: "node",
    include: ["**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    // What is built is what is tested: dist is loaded by Node itself, not rewritten on the way.
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    reporters: ["default", closingLine()],
  },
  // `await using` in tests is newer than Node 20.
  oxc: { target: "node20" },
});
