/**
 * The lab as three hosts (client, router, server), each with a reporter of its own and an id of its own, into one store: what they tell is joined
 * over them. Twice two networks with the same addresses, so that only the scope tells them apart: with source NAT on the router and without, IPv4 and IPv6.
 */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { kernelTest, type NatLab, natLab, type Program, runConntrail, startConntrail } from "../lab/index.ts";
import { chdbObstacle, withFolder } from "./chdb-test.ts";

const SERVER = fileURLToPath(new URL("./programs/chdb-server.mjs", import.meta.url));
const STORE = "10.8.0.1";
const STORE_PORT = 8123;
const LONG = 20;
const SHORT = 300;
const DATAGRAMS = 5;
/** How long a machine that is busy with other tests may take until all has arrived. */
const ARRIVAL_MS = 60_000;

const NETWORKS = [
  { family: "ipv4", masquerade: true },
  { family: "ipv4", masquerade: false },
  { family: "ipv6", masquerade: true },
  { family: "ipv6", masquerade: false },
] as const;

/** An edge as this test knows it to be true, and as the store tells it. */
type Edge = string;

kernelTest(
  "client, router and server as three hosts: every connection is one edge with both processes, NAT or not, IPv4 and IPv6, short and long",
  async ({ skip }) => {
    const obstacle = chdbObstacle();
    if (obstacle !== undefined) skip(obstacle);
    await withFolder(async (folder) => {
      for (const network of NETWORKS) await oneNetwork(`${folder}/db`, network);
    });
  },
  { timeout: 400_000 },
);

async function oneNetwork(folder: string, network: (typeof NETWORKS)[number]): Promise<void> {
  const scope = `${network.family}${network.masquerade ? "-masquerade" : ""}`;
  await using lab = await natLab({ ...network, track: "all" });
  await startStore(lab, folder);
  const server = lab.servers[0]!;
  const port = lab.real[0]!.port;
  const tcp = await server.start("tcp-server", { port });
  const udp = await server.start("udp-server", { port });
  const hosts: Program[] = [];
  for (const host of [lab.client, lab.router, server]) {
    hosts.push(startConntrail(host, [...WATCH, "--host-id", host.role, "--clickhouse-scope", scope]));
  }
  for (const host of hosts) await host.line(isHeard, 30_000);

  const truth: Edge[] = [];
  const targets = [
    { ...lab.virtual, clientPorts: "32768 46999" },
    { ...lab.real[0]!, clientPorts: "47000 60999" },
  ];
  for (const { address: host, port: to, clientPorts } of targets) {
    // With the same client port both would be one tuple on the router, which then gives the second another port: a translation more than this test knows of.
    await lab.client.sysctl("net.ipv4.ip_local_port_range", clientPorts);
    const via = network.masquerade || host === lab.virtual.address ? ["router"] : [];
    const told = (protocol: string, pid: number, ports: readonly number[], serverPid: number): void => {
      truth.push(...ports.map((from) => edge(protocol, pid, from, via, serverPid)));
    };
    const long = await lab.client.start("tcp-client", { host, port: to, hold: true, connections: LONG });
    told("tcp", long.pid, long.ready.ports!, tcp.pid);
    const brief = { connections: SHORT, "duration-ms": 3, rate: 300 };
    const short = await lab.client.start("tcp-client", { host, port: to, ...brief });
    const done = await short.json<{ ports: number[]; failed: number }>(30_000);
    expect(done.failed).toBe(0);
    told("tcp", short.pid, done.ports, tcp.pid);
    const sender = await lab.client.start("udp-client", { host, port: to, sockets: DATAGRAMS });
    told("udp", sender.pid, sender.ready.ports!, udp.pid);
  }

  const wrong = await settled(lab, scope, port, truth);
  expect(wrong, scope).toEqual({ missing: [], tooMany: [] });
  const ends = await Promise.all(hosts.map((host) => host.stop("SIGINT", 20_000)));
  expect(hosts.map(({ stderr }, i) => ({ ...ends[i], stderr }))).toEqual(hosts.map(() => CLEAN));
  const after = await compared(lab, scope, port, truth);
  expect(after, `${scope}, with what the reporters told at their end`).toEqual({ missing: [], tooMany: [] });
}

const WATCH = [
  ...["watch", "--format", "ndjson", "--interval", "500ms", "--no-names", "--namespaces", "own"],
  ...["--clickhouse", `http://${STORE}:${STORE_PORT}`, "--clickhouse-interval", "2s"],
];

/** True for a report by a reporter that has heard all of its sources. */
function isHeard(line: string): boolean {
  const { conntrack, sockets } = (JSON.parse(line) as { health: Record<string, { reason: string | null }> }).health;
  return conntrack!.reason !== "starting" && sockets!.reason !== "starting";
}

/** A fourth namespace with the store, on a network of its own, as operators have one. */
async function startStore(lab: NatLab, folder: string): Promise<void> {
  const store = await lab.addNamespace("store");
  await lab.addBridge("store", "br0", `${STORE}/24`);
  for (const [i, { role }] of [lab.client, lab.router, lab.servers[0]!].entries()) {
    const device = { role, device: "manage", address: `10.8.0.${i + 2}/24` };
    await lab.link(device, { role: "store", device: `port${i}`, bridge: "br0" });
  }
  const running = store.spawn(process.execPath, [SERVER, folder, String(STORE_PORT)], { env: { HOST: "0.0.0.0" } });
  await running.line((line) => line.startsWith("ready"), 30_000);
  const made = await runConntrail(store, ["store", "migrate", ...AT]);
  expect(made.code, made.stderr).toBe(0);
}

const CLEAN = { code: 0, signal: null, stderr: "" } as const;
const AT = ["--clickhouse", `http://127.0.0.1:${STORE_PORT}`];

/** Asks until nothing is missing, or until it takes too long. */
async function settled(lab: NatLab, scope: string, port: number, truth: readonly Edge[]): Promise<Comparison> {
  const end = Date.now() + ARRIVAL_MS;
  for (;;) {
    const found = await compared(lab, scope, port, truth);
    if (found.missing.length === 0 || Date.now() > end) return found;
  }
}

interface Comparison {
  readonly missing: readonly Edge[];
  readonly tooMany: readonly Edge[];
}

/** The edges of the store to the server's port, against the truth: each connection as often as it was. */
async function compared(lab: NatLab, scope: string, port: number, truth: readonly Edge[]): Promise<Comparison> {
  const asked = ["store", "query", "edges", ...AT, "--since", "15m", "--port", String(port), "--limit", "100000"];
  const { code, stdout, stderr } = await runConntrail(lab.ns("store"), asked, { timeoutMs: 60_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const rows = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as StoredEdge);
  const found = rows
    .filter((row) => row.scope === scope)
    .map((row) => {
      // What one host has told and another has not yet: not the edge that is waited for.
      if (row.client_host !== "client" || row.server_host !== "server-1")
        return `${row.client_host} ${row.server_host}`;
      return edge(row.protocol, row.client_pid, row.client_port, row.via, row.server_pid);
    });
  return { missing: without(truth, found), tooMany: without(found, truth) };
}

interface StoredEdge {
  readonly scope: string;
  readonly protocol: string;
  readonly client_host: string;
  readonly client_pid: number;
  readonly client_port: number;
  readonly via: readonly string[];
  readonly server_host: string;
  readonly server_pid: number;
}

function edge(
  protocol: string,
  clientPid: number,
  clientPort: number,
  via: readonly string[],
  serverPid: number,
): Edge {
  return [protocol, `${clientPid}:${clientPort}`, ...via, serverPid].join(" ");
}

/** What is in `all` more often than in `others`. */
function without(all: readonly Edge[], others: readonly Edge[]): Edge[] {
  const left = new Map<Edge, number>();
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1);
  return all.filter((one) => {
    const count = left.get(one) ?? 0;
    left.set(one, count - 1);
    return count <= 0;
  });
}
