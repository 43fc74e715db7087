/** Entries of conntrack that go while their connection lives, and those that stay when it is over: what sockets say decides (F28, F50). */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, type LabNamespace, loopbackLab } from "../lab/index.ts";
import { toPort, type Watch, watch } from "./reports.ts";

/** How an entry goes under its sockets. */
const LOSSES = [
  {
    by: "deleted by hand",
    lose: (host: LabNamespace, port: number) =>
      host.exec("conntrack", ["-D", "-p", "tcp", "--dport", String(port)]).then(() => undefined),
    // Conntrack meets the goodbye in its middle, sees one FIN of two, and keeps that entry for two minutes.
    endIsSeen: false,
  },
  {
    by: "timed out",
    // A listing drops what is over; by itself the kernel takes its time.
    lose: (host: LabNamespace, port: number) => untilGone(host, port),
    endIsSeen: true,
  },
] as const;

for (const { by, lose, endIsSeen } of LOSSES) {
  kernelTest(
    `F28 an entry that is ${by} under its sockets is no end: one connection, told as closed once`,
    async () => {
      await using lab = await loopbackLab();
      const { host } = lab;
      if (by === "timed out") await host.sysctl("net.netfilter.nf_conntrack_tcp_timeout_established", 1);
      const server = await host.start("tcp-server");
      const port = server.ready.port!;
      await using running = await watch(host, ["--namespaces", "own", "--no-names"]);
      const client = await host.start("tcp-client", { port, hold: true });
      const before = await running.until((report) => whole(report, port, [client.pid, server.pid]), 20_000);

      await stir(host);
      await lose(host, port);
      const { scans } = (await next(running)).health.sockets;
      const after = await running.until((report) => {
        const row = one(report, port);
        return report.health.sockets.scans > scans + 3 && row && { row, scans: report.health.sockets.scans };
      }, 30_000);
      expect(after.row).toMatchObject({
        state: "established",
        from: { pid: client.pid },
        to: { pid: server.pid },
        direction: { confidence: "certain" },
      });
      expect(after.row.id).toBe(before.id);

      client.signal("SIGUSR2");
      if (endIsSeen) {
        await running.until((report) => toPort(report, port).some(isOver), 30_000);
        await running.until((report) => toPort(report, port).length === 0, 30_000);
      } else await running.until((report) => report.health.sockets.scans > after.scans + 3, 30_000);
      const rows = (await running.stop()).flatMap((report) => toPort(report, port));
      expect(rows.filter(isOver).length).toBeLessThanOrEqual(1);
      if (endIsSeen) expect(rows.filter(isOver)).toHaveLength(1);
      expect(new Set(rows.map(({ id }) => id)).size).toBe(1);
    },
    150_000,
  );
}

kernelTest(
  "F50 an entry that outlives both sockets is stale and names nobody; it is closed once, with its processes, when it goes",
  async () => {
    await using lab = await loopbackLab();
    const { host } = lab;
    // A socket without a process gives up soon: its FIN is never answered.
    await host.sysctl("net.ipv4.tcp_orphan_retries", 1);
    const server = await host.start("tcp-server");
    const port = server.ready.port!;
    await using running = await watch(host, ["--namespaces", "own", "--no-names"]);
    const client = await host.start("tcp-client", { port, hold: true });
    const before = await running.until((report) => whole(report, port, [client.pid, server.pid]), 20_000);

    await muffle(host, port);
    await stir(host);
    await client.stop("SIGKILL");
    await server.stop("SIGKILL");
    const row = await running.until((report) => {
      const only = one(report, port);
      return only?.flags?.includes("stale") && only;
    }, 60_000);
    const nobody = { pid: null, process: null, ownerReason: "no-socket", local: true };
    expect(row).toMatchObject({ id: before.id, state: "established", from: nobody, to: nobody });
    expect(await host.conntrack("-p", "tcp", "--dport", String(port))).toEqual([
      expect.stringContaining("ESTABLISHED"),
    ]);

    await deleteEntry(host, port);
    const closed = await running.until((report) => toPort(report, port).find(isOver), 20_000);
    expect(closed).toMatchObject({ id: before.id, from: { pid: client.pid }, to: { pid: server.pid } });
    await running.until((report) => toPort(report, port).length === 0, 20_000);
    const rows = (await running.stop()).flatMap((report) => toPort(report, port));
    expect(rows.filter(isOver)).toHaveLength(1);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1);
  },
  150_000,
);

kernelTest(
  "F50 a connection that begins in the entry of a stale one is another: it has a beginning and processes of its own, and the stale one is closed once",
  async () => {
    await using lab = await loopbackLab();
    const { host } = lab;
    await host.sysctl("net.ipv4.tcp_orphan_retries", 1);
    const [port, localPort] = [8_080, 45_000];
    const server = await host.start("tcp-server", { port });
    await using running = await watch(host, ["--namespaces", "own", "--no-names"]);
    const client = await host.start("tcp-client", { port, localPort, hold: true });
    const before = await running.until((report) => whole(report, port, [client.pid, server.pid]), 20_000);
    const id = await entryId(host, port);

    await muffle(host, port);
    await stir(host);
    await client.stop("SIGKILL");
    await server.stop("SIGKILL");
    await running.until((report) => one(report, port)?.flags?.includes("stale"), 60_000);
    await host.exec("nft", ["delete", "table", "ip", "goodbye"]);
    const begins = Date.now();
    const later = await host.start("tcp-server", { port });
    const again = await host.start("tcp-client", { port, localPort, hold: true });
    const row = await running.until((report) => whole(report, port, [again.pid, later.pid]), 20_000);
    // The kernel never said NEW.
    expect(await entryId(host, port)).toBe(id);
    expect(row.id).not.toBe(before.id);
    expect(row).toMatchObject({ state: "established", direction: { evidence: "conntrack", confidence: "certain" } });
    expect(Date.parse(row.firstSeen!)).toBeGreaterThanOrEqual(begins);

    again.signal("SIGUSR2");
    await running.until((report) => toPort(report, port).some((each) => isOver(each) && each.id === row.id), 30_000);
    const rows = (await running.stop()).flatMap((report) => toPort(report, port)).filter(isOver);
    expect(rows.map((each) => [each.id, each.from.pid, each.to.pid])).toEqual([
      [before.id, client.pid, server.pid],
      [row.id, again.pid, later.pid],
    ]);
  },
  150_000,
);

/** Drops every packet of a port before conntrack sees it. */
async function muffle(host: LabNamespace, port: number): Promise<void> {
  await host.nft(`table ip goodbye {
    chain output {
      type filter hook output priority raw
      tcp sport ${port} drop
      tcp dport ${port} drop
    }
  }`);
}

/** The kernel's number for the one entry to a port. */
async function entryId(host: LabNamespace, port: number): Promise<string | undefined> {
  const lines = await host.conntrack("-o", "id", "-p", "tcp", "--dport", String(port));
  expect(lines).toHaveLength(1);
  return / id=(\d+)/.exec(lines[0]!)?.[1];
}

/** Short connections to another port for a while: where nothing happens nothing is scanned (D-59), and it is scans that must not tell of an end. */
async function stir(host: LabNamespace): Promise<void> {
  const { ready } = await host.start("tcp-server");
  await host.start("tcp-client", { port: ready.port!, connections: 600, rate: 10 });
}

/** The row of a connection that has both of its processes. */
function whole(report: ReportJson, port: number, [from, to]: readonly number[]): ConnectionJson | undefined {
  return toPort(report, port).find(
    (row) => row.from.pid === from && row.to.pid === to && row.sources.includes("conntrack"),
  );
}

/** The one row to a port. */
function one(report: ReportJson, port: number): ConnectionJson | undefined {
  const rows = toPort(report, port);
  expect(rows.length).toBeLessThanOrEqual(1);
  return rows[0];
}

function next(running: Watch): Promise<ReportJson> {
  return running.until((report) => report);
}

/** Deletes the one entry to a port. */
async function deleteEntry(host: LabNamespace, port: number): Promise<void> {
  await host.exec("conntrack", ["-D", "-p", "tcp", "--dport", String(port)]);
  expect(await host.conntrack("-p", "tcp", "--dport", String(port))).toEqual([]);
}

/** Lists the entries to a port until there is none. */
async function untilGone(host: LabNamespace, port: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await host.conntrack("-p", "tcp", "--dport", String(port))).length > 0) {
    if (Date.now() > deadline) throw new Error("the entry does not time out");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function isOver({ state }: ConnectionJson): boolean {
  return state === "closed" || state === "failed";
}
