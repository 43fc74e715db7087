/** Connections of a few milliseconds while `watch` runs: every one in exactly one report as closed, none missing, none twice. */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, loopbackLab, natLab } from "../lab/index.ts";
import { NETWORK, OWN, toPort, watch } from "./reports.ts";

const SHORT = { connections: 2000, "duration-ms": 3, rate: 1500 } as const;

for (const namespaces of ["own", "all"]) {
  kernelTest(`S6 F24 two thousand short connections close in one report each (--namespaces ${namespaces})`, async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    const port = server.ready.port!;
    await using running = await watch(lab.host, ["--namespaces", namespaces, "--no-names"]);
    const client = await lab.host.start("tcp-client", { port, ...SHORT });
    const done = await client.json<{ ports: number[]; failed: number }>(20_000);
    await running.until(() => true);
    const reports = await running.stop();

    expect(done.failed).toBe(0);
    { const m = new Map<string, number>(); for (const r of reports) for (const c of toPort(r,port)) { const k=[c.state, c.from.pid===client.pid, c.to.pid===server.pid, c.from.ownerReason, c.to.ownerReason, c.sources.join("+")].join(" "); m.set(k,(m.get(k)??0)+1);} console.log(m, reports.length, reports.at(-1)!.health); 
      const seen = new Set(toPort(reports,port).map(c=>c.from.port)); const all = toPort(reports,port).filter(c=>["closed","failed"].includes(c.state)).map(c=>c.from.port);
      console.log("missing entirely", done.ports.filter(p=>!seen.has(p)).length, "closed rows", all.length, "distinct", new Set(all).size, "dupes in ports", done.ports.length - new Set(done.ports).size);}
    const closed = closings(reports, port).filter(({ netns }) => netns === lab.host.inode);
    expect(ports(closed)).toEqual([...done.ports].sort((a, b) => a - b));
    for (const { from, to, count, direction, nat, state } of closed) {
      expect({ from: from.address, to: to.address, count, evidence: direction.evidence, nat, state }).toEqual({
        from: "127.0.0.1",
        to: "127.0.0.1",
        count: 1,
        evidence: "conntrack",
        nat: null,
        state: "closed",
      });
    }
    expect(reports.at(-1)!.health.conntrack).toMatchObject({ lost: 0, overruns: 0, evicted: 0, aggregated: 0 });
    // The server was there all the while: its end is known even of connections that no scan saw.
    expect(closed.filter(({ to }) => to.pid === server.pid).length).toBe(closed.length);
    expect(closed.filter(({ from }) => from.pid !== null && from.pid !== client.pid)).toEqual([]);
  });
}

kernelTest("F33 F36 short connections through client, router and server are told once, not once a namespace", async () => {
  await using lab = await natLab({ track: "all", network: NETWORK });
  const [real] = lab.real;
  await lab.servers[0]!.start("tcp-server", { port: real!.port });
  await using running = await watch(lab.client, ["--no-names"]);
  const client = await lab.client.start("tcp-client", {
    host: lab.virtual.address,
    port: lab.virtual.port,
    ...SHORT,
    connections: 1000,
    rate: 800,
  });
  const done = await client.json<{ ports: number[]; failed: number }>(20_000);
  await running.until(() => true);
  const reports = await running.stop();

  expect(done.failed).toBe(0);
  { const m = new Map<string, number>(); for (const r of reports) for (const c of r.connections) if (c.from.address===lab.client.address||c.to.address===lab.client.address||lab.namespaces.some(n=>n.inode===c.netns)) { const k=[lab.namespaces.find(n=>n.inode===c.netns)?.role, c.state, c.nat?.kind, c.sources.join("+"), c.from.address, c.to.address].join(" "); m.set(k,(m.get(k)??0)+1);} console.log(m, reports.length); }
  const inodes = lab.namespaces.map(({ inode }) => inode);
  const ours = reports.flatMap(({ connections }) => connections).filter(({ netns }) => inodes.includes(netns!));
  const closed = ours.filter(({ state }) => state === "closed");
  expect(ports(closed)).toEqual([...done.ports].sort((a, b) => a - b));
  for (const { from, to, nat } of closed) {
    expect({ from: from.address, to: { address: to.address, port: to.port }, visible: nat?.visible.to }).toEqual({
      from: lab.client.address,
      to: real,
      visible: lab.virtual,
    });
  }
}, 40_000);

/** What the reports say has closed. */
function closings(reports: readonly ReportJson[], port: number): ConnectionJson[] {
  return toPort(reports, port).filter(({ state }) => state === "closed" || state === "failed");
}

/** The client's ports, sorted, each as often as it was told. */
function ports(connections: readonly ConnectionJson[]): number[] {
  return connections.map(({ from }) => from.port).sort((a, b) => a - b);
}
