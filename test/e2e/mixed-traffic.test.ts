/**
 * Traffic of every kind at once through client, router and server, in both families, with a `watch` at its defaults beside it: each connection that ends is told once, and no report shows one
 * twice. CI gives it some seconds; `CONNTRAIL_MIXED_MINUTES=15` is for a quiet hour.
 */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, type NatLab, natLab } from "../lab/index.ts";
import { NETWORK, watch } from "./reports.ts";

/** How long the traffic goes on, seconds. */
const SECONDS =
  process.env.CONNTRAIL_MIXED_MINUTES === undefined ? 12 : Number(process.env.CONNTRAIL_MIXED_MINUTES) * 60;

/** What the clients of one lab make, per second; the short ones are told apart by how they end. */
const SHORT = [
  { "duration-ms": 2, rate: 30 },
  { "duration-ms": 150, rate: 10 },
  { "duration-ms": 20, rate: 10, reset: true },
] as const;

/** The programs outlive the traffic. */
const lifetime = 120 + SECONDS * 2;

/** Ports of the client: enough for what waits for a minute in TIME_WAIT, and few enough that a long run uses each again and again. */
const PORTS = { first: 40_000, last: 44_999 };

/** A port at which nobody listens. */
const CLOSED_PORT = 81;

kernelTest(
  "S6 F33 F48 mixed traffic through client, router and server: each connection that ends is told once, none is twice in a report",
  async () => {
    await using ipv4 = await natLab({ track: "all", network: NETWORK, family: "ipv4" });
    await using ipv6 = await natLab({ track: "all", network: NETWORK, family: "ipv6" });
    const labs = [ipv4, ipv6];
    for (const lab of labs) await prepare(lab);
    await using running = await watch(ipv4.client, ["--no-names"], "1s");
    const made = await Promise.all(labs.map(traffic));
    await running.until(() => true);
    const reports = await running.stop();

    for (const [i, lab] of labs.entries()) {
      const rows = reports.map((each) => each.connections.filter((one) => isOf(lab, one)));
      const { ended, refused } = made[i]!;
      const over = rows.flat().filter(isOver);
      expect(ended.length).toBeGreaterThan(SECONDS * 20);
      expectEach(
        ended,
        over.filter(({ protocol, to }) => protocol === "tcp" && to.port === lab.real[0]!.port),
      );
      expect(over.filter(({ from, to }) => to.port === CLOSED_PORT && from.port !== 0)).toHaveLength(refused);
      for (const [at, each] of rows.entries()) expectNoneTwice(each, reports[at]!);
    }
    expect(reports.length).toBeGreaterThan(SECONDS / 2);
    if (SECONDS > 60) process.stderr.write(`${summaryOf(reports)}\n`);
  },
  { timeout: 120_000 + SECONDS * 2_000 },
);

/** What a long run looked like, for the record. */
function summaryOf(reports: readonly ReportJson[]): string {
  const rows = reports.reduce((sum, { connections }) => sum + connections.length, 0);
  const { conntrack, sockets } = reports.at(-1)!.health;
  return `${reports.length} reports, ${rows} rows, ${conntrack.events} events, ${conntrack.lost} lost, ${sockets.scans} scans, ${sockets.uncut} uncut`;
}

/** Few client ports, so that they are used again; datagrams' flows that end soon. */
async function prepare(lab: NatLab): Promise<void> {
  await lab.client.sysctl("net.ipv4.ip_local_port_range", `${PORTS.first} ${PORTS.last}`);
  for (const namespace of lab.namespaces) {
    await namespace.sysctl("net.netfilter.nf_conntrack_udp_timeout", 2);
    await namespace.sysctl("net.netfilter.nf_conntrack_udp_timeout_stream", 2);
  }
  await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port, lifetime });
  await lab.servers[0]!.start("udp-server", { port: lab.real[0]!.port, lifetime });
}

/** Makes it all. Resolves when the last client is done, with the client ports of what has ended, each as often as it was used, and how many were refused. */
async function traffic({ client, servers, virtual }: NatLab): Promise<{ ended: number[]; refused: number }> {
  const to = { host: virtual.address, port: virtual.port, lifetime };
  const timeoutMs = 60_000 + SECONDS * 1_500;
  const started = [];
  await client.start("tcp-client", { ...to, connections: 5, hold: true });
  for (const { rate, ...kind } of SHORT)
    started.push(await client.start("tcp-client", { ...to, ...kind, rate, connections: rate * SECONDS }));
  const closed = { host: servers[0]!.address, port: CLOSED_PORT, lifetime };
  const refused = await client.start("tcp-client", { ...closed, rate: 2, connections: 2 * SECONDS });
  const datagrams = await client.start("udp-client", { ...to, sockets: 5, "interval-ms": 100 });
  const done = await Promise.all(started.map((each) => each.json<{ ports: number[]; failed: number }>(timeoutMs)));
  const failed = await refused.json<{ failed: number }>(timeoutMs);
  await datagrams[Symbol.asyncDispose]();
  expect(done.map((each) => each.failed)).toEqual(SHORT.map(() => 0));
  return { ended: done.flatMap(({ ports }) => ports), refused: failed.failed };
}

/** The client's side of a lab is what its rows are known by: of one connection the opener's namespace is told. */
function isOf({ namespaces }: NatLab, { netns }: ConnectionJson): boolean {
  return namespaces.some(({ inode }) => inode === netns);
}

function isOver({ state }: ConnectionJson): boolean {
  return state === "closed" || state === "failed";
}

/** As many ended rows of each client port as connections were made from it. */
function expectEach(ports: readonly number[], told: readonly ConnectionJson[]): void {
  const difference = new Map<number, number>();
  for (const port of ports) difference.set(port, (difference.get(port) ?? 0) - 1);
  for (const { from } of told) difference.set(from.port, (difference.get(from.port) ?? 0) + 1);
  const wrong = [...difference].filter(([, count]) => count !== 0);
  const shown = wrong.slice(0, 5).map(([port, count]) => ({
    port,
    count,
    told: told.filter(({ from }) => from.port === port).map(inShort),
  }));
  expect({ wrong: wrong.length, of: ports.length, shown }).toEqual({ wrong: 0, of: ports.length, shown: [] });
}

/** What lives is there once, by protocol and both real ends. */
function expectNoneTwice(rows: readonly ConnectionJson[], { health, sequence }: ReportJson): void {
  const living = rows.filter((row) => !isOver(row));
  const again = living.filter((row, i) => living.findIndex((other) => keyOf(other) === keyOf(row)) !== i);
  const keys = new Set(again.map(keyOf));
  const shown = rows.filter((row) => keys.has(keyOf(row))).map(inShort);
  expect({ again: again.length, ...(again.length > 0 && { shown, sequence, health }) }).toEqual({ again: 0 });
}

/** The client's port says which connection it is, whatever the other end is taken for. */
function keyOf({ protocol, from }: ConnectionJson): string {
  return `${protocol} ${from.port}`;
}

function inShort({ from, to, nat, netns, sources, state, firstSeen, lastSeen }: ConnectionJson): string {
  const ends = `${from.address}:${from.port} → ${to.address}:${to.port} ${nat?.kind ?? "plain"} in ${netns}`;
  return `${ends} by ${sources.join("+")} ${state} ${firstSeen} … ${lastSeen}`;
}
