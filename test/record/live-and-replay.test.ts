/** The recording of a live reporter against the very reports it made: a replay gives the same ones again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReportJson } from "@conntrail/report";
import { afterAll, beforeAll, expect } from "vitest";
import { kernelTest, loopbackLab, type Program, runConntrail } from "../lab/index.ts";

const REPORTER = join(import.meta.dirname, "programs/record-and-report.mjs");
const CONNECTIONS = 10_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-record-"));
});
afterAll(() => rm(folder, { recursive: true }));

kernelTest(
  "10,000 short connections are recorded while they come and go: two replays are equal byte by byte, and their reports are those that were made live",
  async () => {
    await using lab = await loopbackLab();
    const path = join(folder, "short.pcapng");
    const reporter = lab.host.spawn(process.execPath, [REPORTER, path]);
    await started(reporter);
    const server = await lab.host.start("tcp-server", { port: 8080, lifetime: 120 });
    const client = await lab.host.start("tcp-client", { port: 8080, connections: CONNECTIONS, parallel: 100 });
    const done = JSON.parse(await client.line((line) => line.includes('"done"'), 60_000)) as { failed: number };
    expect(done.failed).toBe(0);
    // The last events are on their way: two more reports.
    const seen = reporter.lines.length;
    while (reporter.lines.length < seen + 3) await reporter.line();
    reporter.endInput();
    await reporter.exited;
    await server.stop();

    const live = reporter.lines.map((line) => JSON.parse(line) as ReportJson);
    const first = await runConntrail(undefined, ["replay", path, "--format", "ndjson"], { timeoutMs: 60_000 });
    const second = await runConntrail(undefined, ["replay", path, "--format", "ndjson"], { timeoutMs: 60_000 });
    expect(first.stderr).toBe("");
    expect(first.code).toBe(0);
    expect(second.stdout === first.stdout).toBe(true);
    const replayed = first.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as ReportJson);

    // Every report, with the same connections in the same words. What may differ: `host.uptimeSeconds` (by rounding) and how long
    // conntrail watched before its first batch, which is not part of what came in.
    expect(replayed.length).toBe(live.length);
    expect(replayed.map(({ window }) => window.end)).toEqual(live.map(({ window }) => window.end));
    for (const [i, report] of replayed.entries()) {
      expect(report.connections, `report ${report.sequence}`).toEqual(live[i]!.connections);
      expect(report.processes).toEqual(live[i]!.processes);
    }
    const closed = replayed.flatMap(({ connections }) => connections.filter(({ state }) => state === "closed"));
    expect(closed.filter(({ to }) => to.port === 8080).length).toBe(CONNECTIONS);
  },
  { timeout: 180_000 },
);

/** Resolves when the reporter has said that it records. */
async function started(reporter: Program): Promise<void> {
  while (!reporter.stderr.includes("recording")) {
    if (!reporter.running) throw new Error(reporter.stderr);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
