/** Connections of a few milliseconds while `watch` runs: every one in exactly one report as closed, none missing, none twice. */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, loopbackLab, natLab } from "../lab/index.ts";
import { NETWORK, watch } from "./reports.ts";

for (const namespaces of ["own", "all"]) {
  kernelTest(
    `S6 F24 two thousand short connections close in one report each (--namespaces ${namespaces})`,
    async () => {
      await using lab = await loopbackLab();
      const server = await lab.host.start("tcp-server");
      const port = server.ready.port!;
      await using running = await watch(lab.host, ["--namespaces", namespaces, "--no-names"]);
      const client = await lab.host.start("tcp-client", { port, connections: 2000, "duration-ms": 3, rate: 1500 });
      const done = await client.json<{ ports: number[]; failed: number }>(20_000);
      await running.until(() => true);
      const reports = await running.stop();

      expect(done.failed).toBe(0);
      const closed = told(reports, [lab.host]).filter(isOver);
      expectOnceEach(closed, done.ports);
      for (const connection of closed) {
        expect(connection).toMatchObject({
          from: { address: "127.0.0.1" },
          to: { address: "127.0.0.1", port, pid: server.pid },
          direction: { evidence: "conntrack", confidence: "certain" },
          state: "closed",
          count: 1,
          nat: null,
        });
        expect([null, client.pid]).toContain(connection.from.pid);
      }
      expect(reports.at(-1)!.health.conntrack).toMatchObject({ lost: 0, overruns: 0, evicted: 0, aggregated: 0 });
      expectNoReportTwice(reports, [lab.host]);
    },
  );
}

/** Connections that a run through three namespaces makes. */
const CONNECTIONS = Number(process.env.CONNTRAIL_SHORT_CONNECTIONS ?? 1_000);

/** Seconds that its programs may take: a busy machine makes some hundred connections a second, or fewer. */
const lifetime = 120 + CONNECTIONS / 40;

/** IPv4, IPv6, and with scans as fast as they go, each of which used to come between the events of the three namespaces. */
const RUNS = [
  { family: "ipv4", args: [] },
  { family: "ipv6", args: [] },
  { family: "ipv4", args: ["--scan-interval", "20ms", "--scan-cpu", "95%"] },
] as const;

for (const { family, args } of RUNS) {
  kernelTest(
    `F33 F36 short connections through client, router and server are told once, not once a namespace (${[family, ...args].join(" ")})`,
    async () => {
      await using lab = await natLab({ track: "all", network: NETWORK, family });
      const [real] = lab.real;
      await lab.servers[0]!.start("tcp-server", { port: real!.port, lifetime });
      await using running = await watch(lab.client, ["--no-names", ...args]);
      const { address: host, port } = lab.virtual;
      const short = { connections: CONNECTIONS, "duration-ms": 3, rate: 800, lifetime };
      const client = await lab.client.start("tcp-client", { host, port, ...short });
      const done = await client.json<{ ports: number[]; failed: number }>(20_000 + CONNECTIONS * 25);
      await running.until(() => true);
      const reports = await running.stop();

      expect(done.failed).toBe(0);
      const closed = told(reports, lab.namespaces).filter(isOver);
      expectOnceEach(closed, done.ports, reports.at(-1)!.health);
      for (const { from, to, nat } of closed) {
        expect(from.address).toBe(lab.client.address);
        expect({ address: to.address, port: to.port }).toEqual(real);
        expect(nat?.visible.to).toEqual(lab.virtual);
      }
      expectNoReportTwice(reports, lab.namespaces);
    },
    { timeout: 60_000 + CONNECTIONS * 30 },
  );
}

/** Everything that the reports tell of these namespaces. */
function told(reports: readonly ReportJson[], namespaces: readonly LabNamespace[]): ConnectionJson[] {
  const inodes = new Set<number | null>(namespaces.map(({ inode }) => inode));
  return reports.flatMap(({ connections }) => connections.filter(({ netns }) => inodes.has(netns)));
}

function isOver({ state }: ConnectionJson): boolean {
  return state === "closed" || state === "failed";
}

/**
 * As many connections of each client port as the client made (a slow machine uses ports again), no two of them at the same time. What
 * is missing, or too many, is shown.
 */
function expectOnceEach(
  connections: readonly ConnectionJson[],
  ports: readonly number[],
  health?: ReportJson["health"],
): void {
  const made = countBy(ports);
  const byPort = new Map<number, ConnectionJson[]>();
  for (const one of connections) byPort.set(one.from.port, [...(byPort.get(one.from.port) ?? []), one]);
  const wrong = [...new Set([...made.keys(), ...byPort.keys()])].filter((port) => {
    const rows = byPort.get(port) ?? [];
    return (
      rows.length !== (made.get(port) ?? 0) || new Set(rows.map(({ firstSeen }) => firstSeen)).size !== rows.length
    );
  });
  const shown = wrong.slice(0, 5).map((port) => ({ port, made: made.get(port), told: byPort.get(port)?.map(inShort) }));
  const { conntrack, sockets, merge } = health ?? {};
  const facts = wrong.length === 0 ? {} : { conntrack, sockets, merge };
  expect({ wrong: wrong.length, shown, ...facts }).toEqual({ wrong: 0, shown: [] });
}

function countBy(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** No report tells of one client port twice, unless one connection was over before the other began. What is there twice is shown with what else the report says. */
function expectNoReportTwice(reports: readonly ReportJson[], namespaces: readonly LabNamespace[]): void {
  for (const one of reports) {
    const rows = told([one], namespaces);
    const again = rows.filter((row, i) => !isOver(row) && rows.some((other, j) => j !== i && isBeside(other, row)));
    const ports = new Set(again.map(({ from }) => from.port));
    const { conntrack, sockets } = one.health;
    const shown = rows.filter(({ from }) => ports.has(from.port)).map(inShort);
    const { window, sequence } = one;
    expect({ again: again.length, ...(again.length > 0 && { shown, window, sequence, conntrack, sockets }) }).toEqual({
      again: 0,
    });
  }
}

/** The same client port, at the same time. */
function isBeside(other: ConnectionJson, row: ConnectionJson): boolean {
  return other.from.port === row.from.port && !(isOver(other) && other.lastSeen! <= row.firstSeen!);
}

function inShort({ from, to, nat, netns, sources, state, firstSeen, lastSeen }: ConnectionJson): string {
  const place = `${from.address}:${from.port} → ${to.address}:${to.port} ${nat?.kind ?? "plain"} in ${netns}`;
  return `${place} by ${sources.join("+")} ${state} ${firstSeen} … ${lastSeen}`;
}
