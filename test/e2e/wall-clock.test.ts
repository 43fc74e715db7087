/** A wall clock that is set while `watch` runs (NTP, a resumed machine): what is told stays in order, and inside its window. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, natLab } from "../lab/index.ts";
import { NETWORK, watch } from "./reports.ts";

/** In every thread the wall clock is `stepMs` ahead from the moment on at which the file is there. */
function stepping(file: string, stepMs: number): string {
  const program = `
    import { existsSync } from "node:fs";
    const real = Date.now;
    Date.now = () => real() + (existsSync(${JSON.stringify(file)}) ? ${stepMs} : 0);
  `;
  return `data:text/javascript,${encodeURIComponent(program)}`;
}

const HOUR_MS = 3_600_000;

for (const [stepMs, name] of [
  [-HOUR_MS, "back by an hour"],
  [HOUR_MS, "ahead by an hour"],
  [-150, "back by 150 ms"],
] as const) {
  kernelTest(
    `F60 a wall clock that is set ${name} while a connection through two namespaces lives: told once, every time inside its window`,
    async () => {
      await using lab = await natLab({ track: "all", network: NETWORK });
      const folder = mkdtempSync(join(tmpdir(), "conntrail-clock-"));
      try {
        const step = join(folder, "step");
        const [real] = lab.real;
        await lab.servers[0]!.start("tcp-server", { port: real!.port });
        const options = { nodeArgs: ["--import", stepping(step, stepMs)] };
        await using running = await watch(lab.client, ["--no-names"], "250ms", options);
        const { address: host, port } = lab.virtual;
        const client = await lab.client.start("tcp-client", {
          host,
          port,
          connections: 3,
          "duration-ms": 2_000,
          rate: 100,
        });
        await running.until((report) => mine(report, lab.client.address).length === 3);
        writeFileSync(step, "");
        const { ports } = await client.json<{ ports: number[] }>(20_000);
        await running.until((report) => mine(report, lab.client.address).some(({ state }) => state === "closed"));
        const reports = await running.stop();

        const told = reports
          .flatMap((report) => mine(report, lab.client.address))
          .filter(({ state }) => state === "closed");
        expect(told.map(({ from }) => from.port).sort()).toEqual([...ports].sort());
        expect(reports.flatMap((report) => disorder(report))).toEqual([]);
        const last = reports.at(-1)!;
        expect(Math.abs(Date.parse(last.window.end!) - (Date.now() + stepMs))).toBeLessThan(5_000);
        expect(last.health.conntrack).toMatchObject({ lost: 0, resyncs: 0 });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    60_000,
  );
}

function mine({ connections }: ReportJson, address: string): ConnectionJson[] {
  return connections.filter(({ from, protocol }) => from.address === address && protocol === "tcp");
}

/** What is told of a time that does not lie where it should. */
function disorder({ sequence, window, connections, health }: ReportJson): string[] {
  const ordered = (...times: readonly (string | null)[]): boolean =>
    times.every((time, i) => time !== null && (i === 0 || times[i - 1]! <= time));
  const facts = connections
    .filter(({ firstSeen, lastSeen }) => !ordered(firstSeen, lastSeen, window.end))
    .map(({ from, firstSeen, lastSeen }) => `${from.port}: ${firstSeen} … ${lastSeen}`);
  if (!ordered(window.start, window.end)) facts.push(`window ${window.start} … ${window.end}`);
  if (health.conntrack.completeSince !== null && !ordered(health.conntrack.completeSince, window.end))
    facts.push(`complete since ${health.conntrack.completeSince}`);
  return facts.map((fact) => `report ${sequence}, until ${window.end}: ${fact}`);
}
