/** Rewritten connections as a router sees them: from the client to the real server, and what each side saw instead. */
import type { ConnectionJson } from "@conntrail/report";
import { expect } from "vitest";
import { type Endpoint, kernelTest, loopbackLab, type NatLab, natLab, runConntrail } from "../lab/index.ts";
import { NETWORK, OWN, parsed, report, toPort, type Watch, watch } from "./reports.ts";

for (const family of ["ipv4", "ipv6"] as const) {
  kernelTest(
    `S9 F31 connections to a virtual address go from the client to the real server, long and short (${family})`,
    async () => {
      await using lab = await natLab({ family, network: NETWORK });
      await startServers(lab, "tcp-server");
      const long = await lab.client.start("tcp-client", { ...at(lab.virtual), hold: true, connections: 2 });
      await using running = await watch(lab.router, [...OWN, "--no-names"]);
      const short = await lab.client.start("tcp-client", { ...at(lab.virtual), "duration-ms": 3, connections: 5 });
      const { ports } = await short.json<{ ports: number[] }>();
      await running.until(() => true);
      const reports = await running.stop();

      const closed = toPort(reports, lab.real[0]!.port).filter(({ state }) => state === "closed");
      const open = toPort(reports.at(-1)!, lab.real[0]!.port).filter(({ state }) => state === "established");
      expect(clientPorts(closed)).toEqual([...ports].sort());
      expect(clientPorts(open)).toEqual([...long.ready.ports!].sort());
      for (const connection of [...closed, ...open]) expectTranslated(connection, lab, family);
    },
  );
}

kernelTest("S9 F31 datagrams to a virtual address go from the client to the real server", async () => {
  await using lab = await natLab({ network: NETWORK });
  await startServers(lab, "udp-server");
  const client = await lab.client.start("udp-client", { ...at(lab.virtual), sockets: 2 });

  const { connections } = await report(lab.router);

  expect(clientPorts(connections)).toEqual([...client.ready.ports!].sort());
  for (const connection of connections) {
    expect(connection.protocol).toBe("udp");
    expectTranslated(connection, lab, "ipv4");
  }
});

kernelTest(
  "S14 in Scope's format the edge is client to real server, and the virtual endpoint is a copy of it",
  async () => {
    await using lab = await natLab({ network: NETWORK });
    await startServers(lab, "tcp-server");
    const { ready } = await lab.client.start("tcp-client", { ...at(lab.virtual), hold: true });

    const run = await runConntrail(lab.router, [
      "report",
      "--format",
      "scope",
      "--window",
      "300ms",
      "--no-names",
      ...OWN,
    ]);

    const { Endpoint: topology } = parsed(run) as unknown as { Endpoint: { nodes: Record<string, ScopeNode> } };
    const client = `;${lab.client.address};${ready.ports![0]}`;
    const real = `;${lab.real[0]!.address};${lab.real[0]!.port}`;
    const virtual = `;${lab.virtual.address};${lab.virtual.port}`;
    expect(topology.nodes[client]!.adjacency).toEqual([real]);
    expect(topology.nodes[client]!.latest?.conntracked?.value).toBe("true");
    expect(topology.nodes[virtual]!.latest?.copy_of?.value).toBe(real);
    expect(topology.nodes[real]!.latest?.copy_of).toBeUndefined();
    for (const [id, node] of Object.entries(topology.nodes)) expect(node).toMatchObject({ id, topology: "endpoint" });
  },
);

/** Reports that F32 looks at, four a second: more of them by CONNTRAIL_STEADY_SECONDS. */
const STEADY_REPORTS = 4 * Number(process.env.CONNTRAIL_STEADY_SECONDS ?? 1.5);

for (const family of ["ipv4", "ipv6"] as const) {
  kernelTest(
    `F32 two clients and two backends keep the same four edges in every report (${family})`,
    async () => {
      await using lab = await natLab({ backends: 2, family, network: NETWORK });
      await startServers(lab, "tcp-server");
      const clients = [];
      for (let i = 0; i < 2; i++) {
        clients.push(await lab.client.start("tcp-client", { ...at(lab.virtual), hold: true, connections: 2 }));
      }
      await using running = await watch(lab.router, [...OWN, "--no-names"]);
      await steadyFor(running, STEADY_REPORTS);
      const reports = (await running.stop()).slice(-STEADY_REPORTS);

      const edges = reports.map((one) => toPort(one, lab.real[0]!.port).map(edge).sort());
      expect(edges[0]).toHaveLength(4);
      expect(new Set(edges[0]!.map((text) => text.split(" ")[1]))).toEqual(
        new Set(lab.real.map(({ address, port }) => `${address}:${port}`)),
      );
      for (const later of edges) expect(later).toEqual(edges[0]);
    },
    60_000 + 500 * STEADY_REPORTS,
  );
}

kernelTest(
  "F36 seen from the client's side too, a translated connection is one, with the processes of both ends",
  async () => {
    await using lab = await natLab({ track: "all", network: NETWORK });
    const server = await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const client = await lab.client.start("tcp-client", { ...at(lab.virtual), hold: true });

    const { connections } = await report(lab.client, []);

    const ours = connections.filter(({ from }) => from.port === client.ready.ports![0] && from.pid === client.pid);
    expect(ours).toHaveLength(1);
    expect(ours[0]).toMatchObject({
      from: { address: lab.client.address, pid: client.pid },
      to: { ...lab.real[0]!, pid: server.pid },
      direction: { evidence: "conntrack" },
      sources: ["conntrack", "sockets"],
    });
    expectTranslated(ours[0]!, lab, "ipv4");
    const inodes = lab.namespaces.map(({ inode }) => inode);
    expect(connections.filter(({ netns }) => inodes.includes(netns!))).toHaveLength(1);
  },
);

kernelTest("a port redirected to the host itself is told as redirect, once", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server", { port: 8080 });
  await lab.host.nft(
    "table ip lab { chain out { type nat hook output priority -100; tcp dport 80 redirect to :8080; }; }",
  );
  const client = await lab.host.start("tcp-client", { port: 80, hold: true });

  const { connections } = await report(lab.host);

  expect(connections).toHaveLength(1);
  expect(connections[0]).toMatchObject({
    from: { pid: client.pid, port: client.ready.ports![0] },
    to: { address: "127.0.0.1", port: 8080, pid: server.pid },
    nat: { kind: "redirect", visible: { to: { address: "127.0.0.1", port: 80 } } },
  });
});

interface ScopeNode {
  readonly adjacency?: readonly string[];
  readonly latest?: Readonly<Record<string, { readonly value: string }>>;
}

/** An endpoint as the lab's clients take it. */
function at({ address: host, port }: Endpoint): { readonly host: string; readonly port: number } {
  return { host, port };
}

async function startServers(lab: NatLab, program: "tcp-server" | "udp-server"): Promise<void> {
  for (const [i, server] of lab.servers.entries()) await server.start(program, { port: lab.real[i]!.port });
}

/** Client to real server; the client saw the virtual address, the server the router's. */
function expectTranslated(connection: ConnectionJson, lab: NatLab, family: "ipv4" | "ipv6"): void {
  const [real] = lab.real;
  const { from, to, nat, direction } = connection;
  expect(connection.family).toBe(family);
  expect(from.address).toBe(lab.client.address);
  expect({ address: to.address, port: to.port }).toEqual(real);
  expect(nat).toMatchObject({ kind: "dnat+snat", visible: { to: lab.virtual, from: { address: lab.routerAddress } } });
  // A flow found in the first dump may have been picked up in mid-stream (nf_conntrack_tcp_loose): then it is `likely`.
  expect(direction.evidence).toBe("conntrack");
}

function clientPorts(connections: readonly ConnectionJson[]): number[] {
  return connections.map(({ from }) => from.port).sort();
}

function edge({ from, to, nat }: ConnectionJson): string {
  return `${from.address}:${from.port} ${to.address}:${to.port} ${nat?.visible.to.address}:${nat?.visible.to.port}`;
}

/** Lets `count` further reports come. */
async function steadyFor(running: Watch, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await running.until(() => true);
}
