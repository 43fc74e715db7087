/** The soak, for a moment: that it does its faults to a running agent, gets over them, compares, and says so. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand } from "../lab/command.ts";
import { kernelTest } from "../lab/index.ts";
import type { SoakResult } from "./run-soak.ts";

const SOAK = fileURLToPath(new URL("./programs/soak.ts", import.meta.url));
const TSX = fileURLToPath(import.meta.resolve("tsx"));

const soak = (...args: readonly string[]): ReturnType<typeof runCommand> =>
  runCommand(process.execPath, ["--import", TSX, SOAK, ...args], { timeoutMs: 280_000 });

kernelTest(
  "after an overrun, a thread that failed and a namespace that came and went, the last report is what conntrack and ss list, and what the changes told",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "conntrail-soak-"));
    try {
      const file = join(folder, "result.json");
      const faults = ["overrun", "worker", "guest"];
      // A round that has begun is ended.
      const { code, stdout, stderr } = await soak("--minutes", "0.1", "--faults", faults.join(","), "--json", file);
      expect({ code, stderr: code === 0 ? "" : stderr, stdout }).toMatchObject({ code: 0, stderr: "" });
      const result = JSON.parse(readFileSync(file, "utf8")) as SoakResult;
      expect(result).toMatchObject({ failures: [], restarts: { ingest: 1 } });
      expect(Object.keys(result.faults)).toEqual(faults);
      expect(result.overruns).toBeGreaterThan(0);
      // Two programs hold forty connections each, through one and through two further namespaces; five sockets send datagrams.
      expect(result.compared.rows).toBeGreaterThanOrEqual(85);
      expect(result.verdicts.map(({ name }) => name)).toContain("heap of conntrail-pipeline");
      expect(stdout).toMatch(/\npassed\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  { timeout: 300_000, requires: ["perl", "ss"] },
);

test("a soak that cannot be meant is refused", async () => {
  expect(await soak("--minutes", "x")).toMatchObject({ code: 2, stderr: "--minutes: expected a number above 0\n" });
  expect(await soak("--faults", "rain")).toMatchObject({ code: 2, stderr: "--faults: no rain\n" });
});
