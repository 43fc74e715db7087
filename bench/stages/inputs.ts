/** What the merge is measured with: seeded batches and socket tables of local clients that talk to a hundred services. */
import {
  CT_STATUS,
  CT_TCP_STATE,
  FAMILY,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  type IngestHealth,
  type NamespaceFacts,
  type Owner,
  PROTOCOL,
  packKind,
  type ScanHealth,
  SOCKET,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
  writeIpv4,
} from "@conntrail/model";

const NETNS = 4_026_531_840;
export const NOW_MS = Date.UTC(2026, 0, 15, 12, 0, 0);
const SERVICES = 100;
const PORTS = 28_000;
const PROCESSES = 200;
const CLIENTS = 0x0a00_0001; // 10.0.0.1 and up
const REAL_SERVERS = 0x0a01_0001; // 10.1.0.1 and up
const VIRTUAL = 0x0a60_0001; // 10.96.0.1 and up

/** What the flows are like. */
export interface FlowShape {
  readonly flows: number;
  /** Every how many flows one goes through a virtual address; 0: none. */
  readonly natEvery: number;
  /** Namespaces that the flows pass, each with a row of its own: 1, or 2 (client and router). */
  readonly namespaces?: 1 | 2;
}

/** Flow `i` as a client's address and port, its service, and whether it is translated. */
function ends(i: number, natEvery: number): { client: number; port: number; service: number; nat: boolean } {
  const nat = natEvery > 0 && i % natEvery === 0;
  return { client: CLIENTS + Math.floor(i / PORTS), port: 32_768 + (i % PORTS), service: (i * 7) % SERVICES, nat };
}

/** One batch that has all flows as established, or ended when `closed`. */
export function flowBatch({ flows, natEvery, namespaces = 1 }: FlowShape, closed = false): FlowBatch {
  const count = flows * namespaces;
  const rows = new Uint32Array(count * FLOW_WORDS);
  const doubles = new Float64Array(rows.buffer);
  for (let i = 0; i < count; i++) {
    const base = i * FLOW_WORDS;
    const { client, port, service, nat } = ends(i % flows, natEvery);
    const router = i >= flows;
    // With two namespaces, only the router's row is translated.
    const translated = nat && (namespaces === 1 || router);
    writeIpv4(rows, base + FLOW.originalSource, client);
    writeIpv4(rows, base + FLOW.originalDestination, (nat ? VIRTUAL : REAL_SERVERS) + service);
    writeIpv4(rows, base + FLOW.replySource, (nat && !translated ? VIRTUAL : REAL_SERVERS) + service);
    writeIpv4(rows, base + FLOW.replyDestination, client);
    const visible = nat ? 80 : 8080;
    rows[base + FLOW.originalPorts] = (port << 16) | visible;
    rows[base + FLOW.replyPorts] = ((nat && !translated ? visible : 8080) << 16) | port;
    const flags = FLOW_FLAG.updated | FLOW_FLAG.replied | FLOW_FLAG.established | (closed ? FLOW_FLAG.closed : 0);
    const state = closed ? CT_TCP_STATE.timeWait : CT_TCP_STATE.established;
    rows[base + FLOW.kind] = packKind(PROTOCOL.tcp, FAMILY.ipv4, state, flags);
    rows[base + FLOW.netns] = NETNS + (router ? 1 : 0);
    rows[base + FLOW.id] = i + 1;
    rows[base + FLOW.status] = CT_STATUS.assured | CT_STATUS.confirmed | CT_STATUS.seenReply;
    rows[base + FLOW.count] = 1;
    doubles[(base + FLOW.firstSeenMs) / 2] = NOW_MS - 1000;
    doubles[(base + FLOW.lastSeenMs) / 2] = NOW_MS;
    for (const word of [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes]) {
      doubles[(base + word) / 2] = -1;
    }
  }
  const changes = new Uint8Array(count).fill(FLOW_CHANGE.upsert);
  return { kind: "flows", timeMs: NOW_MS, epoch: 1, count, rows, changes, cutMs: null, health: INGEST };
}

/** Makes the flows of a batch begin and end at these times: other flows than those of other times. */
export function moveTo({ rows, count }: FlowBatch, firstSeenMs: number, lastSeenMs: number): void {
  const doubles = new Float64Array(rows.buffer);
  for (let i = 0; i < count; i++) {
    doubles[(i * FLOW_WORDS + FLOW.firstSeenMs) / 2] = firstSeenMs;
    doubles[(i * FLOW_WORDS + FLOW.lastSeenMs) / 2] = lastSeenMs;
  }
}

/** A table with the client's socket of every `socketEvery`th flow. */
export function socketTable({ flows, natEvery }: FlowShape, socketEvery: number): SocketTable {
  const count = Math.ceil(flows / socketEvery);
  const rows = new Uint32Array(count * SOCKET_WORDS);
  for (let row = 0; row < count; row++) {
    const base = row * SOCKET_WORDS;
    const { client, port, service, nat } = ends(row * socketEvery, natEvery);
    writeIpv4(rows, base + SOCKET.local, client);
    writeIpv4(rows, base + SOCKET.remote, (nat ? VIRTUAL : REAL_SERVERS) + service);
    rows[base + SOCKET.ports] = (port << 16) | (nat ? 80 : 8080);
    rows[base + SOCKET.kind] = packKind(PROTOCOL.tcp, FAMILY.ipv4, SOCKET_STATE.established, 0);
    rows[base + SOCKET.netns] = NETNS;
    rows[base + SOCKET.inode] = 1000 + row;
    rows[base + SOCKET.owner] = 1 + (row % PROCESSES);
  }
  const facts = { count, rows, owners: OWNERS, namespaces: [namespaceOf(flows)], health: SCAN };
  return { kind: "sockets", timeMs: NOW_MS, cutMs: NOW_MS, startedMs: NOW_MS - 10, ...facts };
}

function namespaceOf(flows: number): NamespaceFacts {
  const clients = Math.ceil(flows / PORTS);
  const addresses = new Uint32Array(clients * 4);
  for (let i = 0; i < clients; i++) writeIpv4(addresses, i * 4, CLIENTS + i);
  return {
    netns: NETNS,
    addresses,
    ephemeral: { low: 32_768, high: 60_999 },
    readFromMs: NOW_MS - 10,
    readByMs: NOW_MS,
  };
}

const OWNERS = Array.from(
  { length: PROCESSES },
  (_, i): Owner => ({
    pid: 1000 + i,
    startTicks: 5000 + i,
    process: `service-${i}`,
    ppid: 1,
    cmdline: `/usr/bin/service-${i}`,
    cgroup: "",
    containerId: "",
  }),
);

const INGEST: IngestHealth = {
  state: "ok",
  reason: null,
  advice: null,
  completeSinceMs: NOW_MS - 60_000,
  events: { new: 0, update: 0, destroy: 0 },
  lost: 0,
  overruns: 0,
  resyncs: 0,
  reconciliations: 0,
  undecodable: 0,
  flows: 0,
  capacity: 0,
  evicted: 0,
  aggregated: 0,
  receiveBufferBytes: 8 << 20,
  namespaces: 1,
};

const SCAN: ScanHealth = {
  state: "ok",
  reason: null,
  advice: null,
  scans: 1,
  durationMs: 30,
  sockets: 0,
  attributed: 0,
  processes: PROCESSES,
  namespaces: 1,
  undecodable: 0,
  backend: "sock_diag",
  uncut: 0,
};
