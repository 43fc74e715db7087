/**
 * Flows as sentences: `flow("10.0.0.1:1234 > 10.0.0.9:80").dnat("10.0.0.2:8080").state("timeWait")`. A new flow is TCP over
 * IPv4 or IPv6, established, seen from its start at 1,000 ms, in namespace HOST. Every method gives another flow; nothing is shared.
 */
import {
  CT_STATUS,
  CT_TCP_STATE,
  FAMILY,
  FLOW,
  FLOW_CHANGE,
  FLOW_FLAG,
  FLOW_WORDS,
  type FlowBatch,
  type FlowChange,
  type IngestHealth,
  isIpv4,
  PROTOCOL,
  packKind,
  type TupleEnd,
} from "@conntrail/model";
import { end, ends } from "./ends.ts";

/** The namespace of everything that does not say otherwise. */
export const HOST = 4_026_531_840;

/** What a flow row says. */
interface FlowFacts {
  readonly from: TupleEnd;
  readonly to: TupleEnd;
  /** Who really serves it, and as whom the server sees the opener. */
  readonly server: TupleEnd;
  readonly seenFrom: TupleEnd;
  readonly protocol: number;
  readonly state: number;
  readonly flags: number;
  readonly status: number;
  readonly netns: number;
  readonly zone: number;
  readonly id: number;
  readonly mark: number;
  readonly count: number;
  readonly firstSeenMs: number;
  readonly emptyMs?: number;
  readonly lastSeenMs: number;
  readonly startMs: number;
  readonly counters: readonly [number, number, number, number];
}

/** A flow that can be put into a batch. */
export interface FlowFixture {
  readonly facts: FlowFacts;
  /** Destination NAT to this end; source NAT from this end. */
  dnat(server: string): FlowFixture;
  snat(seenFrom: string): FlowFixture;
  /** conntrack's TCP state, with the flags and status that come with it when the handshake was completed. */
  state(name: keyof typeof CT_TCP_STATE): FlowFixture;
  /** A SYN was answered by RST. */
  refused(): FlowFixture;
  udp(): FlowFixture;
  icmp(): FlowFixture;
  protocol(number: number): FlowFixture;
  /** No packet came back. */
  unreplied(): FlowFixture;
  /** First seen in a dump. */
  fromDump(): FlowFixture;
  /** First seen in an UPDATE or DESTROY. */
  beganUnseen(): FlowFixture;
  /** Tracked from the middle of the stream. */
  pickedUp(): FlowFixture;
  /** No UPDATE was seen, only NEW. */
  neverUpdated(): FlowFixture;
  /** Stands for `count` connections; the client's port becomes 0. */
  aggregated(count: number): FlowFixture;
  offloaded(): FlowFixture;
  in(netns: number): FlowFixture;
  zone(zone: number): FlowFixture;
  id(id: number): FlowFixture;
  /** First and last seen, Unix milliseconds. */
  seen(firstMs: number, lastMs?: number): FlowFixture;
  /** Its events were read by a reading before which the socket was last found empty at this moment; default: 100 ms before each. */
  readAfter(emptyMs: number): FlowFixture;
  /** By the kernel's own clock. */
  started(startMs: number): FlowFixture;
  /** Packets and bytes of both directions. */
  counted(packets: number, bytes: number, replyPackets: number, replyBytes: number): FlowFixture;
  with(facts: Partial<FlowFacts>): FlowFixture;
}

const REPLIED = FLOW_FLAG.updated | FLOW_FLAG.replied;
const COMPLETE = REPLIED | FLOW_FLAG.established;
const ANSWERED = CT_STATUS.confirmed | CT_STATUS.seenReply;

/** A flow with this original tuple. */
export function flow(text: string): FlowFixture {
  const { from, to } = ends(text);
  return fixture({
    from,
    to,
    server: to,
    seenFrom: from,
    protocol: PROTOCOL.tcp,
    state: CT_TCP_STATE.established,
    flags: COMPLETE,
    status: ANSWERED | CT_STATUS.assured,
    netns: HOST,
    zone: 0,
    id: 1,
    mark: 0,
    count: 1,
    firstSeenMs: 1000,
    lastSeenMs: 1000,
    startMs: 0,
    counters: [-1, -1, -1, -1],
  });
}

function fixture(facts: FlowFacts): FlowFixture {
  const change = (changes: Partial<FlowFacts>): FlowFixture => fixture({ ...facts, ...changes });
  const flag = (flags: number): FlowFixture => change({ flags: facts.flags | flags });
  return {
    facts,
    with: change,
    dnat: (server) => change({ server: end(server), status: facts.status | CT_STATUS.dstNat }),
    snat: (seenFrom) => change({ seenFrom: end(seenFrom), status: facts.status | CT_STATUS.srcNat }),
    state: (name) => change(tcpFacts(facts, name)),
    refused: () => change({ state: CT_TCP_STATE.close, flags: REPLIED | FLOW_FLAG.closed, status: ANSWERED }),
    udp: () => change({ protocol: PROTOCOL.udp, state: 0, flags: REPLIED, status: ANSWERED }),
    icmp: () => change({ protocol: PROTOCOL.icmp, state: 0, flags: REPLIED, status: ANSWERED }),
    protocol: (protocol) => change({ protocol }),
    unreplied: () => change({ flags: 0, status: CT_STATUS.confirmed }),
    fromDump: () => flag(FLOW_FLAG.fromDump),
    beganUnseen: () => flag(FLOW_FLAG.beganUnseen),
    pickedUp: () => flag(FLOW_FLAG.pickedUp),
    neverUpdated: () => change({ flags: facts.flags & ~FLOW_FLAG.updated }),
    aggregated: (count) =>
      change({
        count,
        flags: facts.flags | FLOW_FLAG.aggregated,
        from: { ...facts.from, port: 0 },
        seenFrom: { ...facts.seenFrom, port: 0 },
      }),
    offloaded: () => change({ status: facts.status | CT_STATUS.offload }),
    in: (netns) => change({ netns }),
    zone: (zone) => change({ zone }),
    id: (id) => change({ id }),
    seen: (firstSeenMs, lastSeenMs = firstSeenMs) => change({ firstSeenMs, lastSeenMs }),
    readAfter: (emptyMs) => change({ emptyMs }),
    started: (startMs) => change({ startMs }),
    counted: (...counters) => change({ counters }),
  };
}

function tcpFacts(facts: FlowFacts, name: keyof typeof CT_TCP_STATE): Partial<FlowFacts> {
  const kept = facts.flags & (FLOW_FLAG.fromDump | FLOW_FLAG.beganUnseen | FLOW_FLAG.pickedUp);
  const nat = facts.status & (CT_STATUS.srcNat | CT_STATUS.dstNat);
  const state = CT_TCP_STATE[name];
  if (name === "synSent") return { state, flags: kept, status: nat | CT_STATUS.confirmed };
  if (name === "synRecv") return { state, flags: kept | REPLIED, status: nat | ANSWERED };
  const over = name === "timeWait" || name === "close" ? FLOW_FLAG.closed : 0;
  return { state, flags: kept | COMPLETE | over, status: nat | ANSWERED | CT_STATUS.assured };
}

/** A flow and why it is in a batch. */
export interface ChangedFlow {
  readonly flow: FlowFixture;
  readonly change: FlowChange;
}

/** The kernel said DESTROY. */
export function destroyed(gone: FlowFixture): ChangedFlow {
  return { flow: gone, change: FLOW_CHANGE.destroyed };
}

/** A dump no longer had it. */
export function swept(gone: FlowFixture): ChangedFlow {
  return { flow: gone, change: FLOW_CHANGE.swept };
}

/** Its namespace went away. */
export function released(gone: FlowFixture): ChangedFlow {
  return { flow: gone, change: FLOW_CHANGE.released };
}

/** The ingest had no room for it. */
export function evicted(gone: FlowFixture): ChangedFlow {
  return { flow: gone, change: FLOW_CHANGE.evicted };
}

/** What the ingest says of itself when all is well. */
const INGEST_OK: IngestHealth = {
  state: "ok",
  reason: null,
  advice: null,
  completeSinceMs: 500,
  events: { new: 0, update: 0, destroy: 0 },
  lost: 0,
  overruns: 0,
  resyncs: 0,
  reconciliations: 0,
  undecodable: 0,
  flows: 0,
  capacity: 262_144,
  evicted: 0,
  aggregated: 0,
  receiveBufferBytes: 8 << 20,
  namespaces: 1,
};

/** What may be said about a batch beside its flows. */
export interface BatchFacts {
  readonly epoch?: number;
  readonly cutMs?: number;
  readonly health?: Partial<IngestHealth>;
}

/** A batch of changed flows; a flow by itself is an upsert. */
export function batch(
  timeMs: number,
  flows: readonly (FlowFixture | ChangedFlow)[],
  { epoch = 1, cutMs, health = {} }: BatchFacts = {},
): FlowBatch {
  const rows = new Uint32Array(flows.length * FLOW_WORDS);
  const changes = new Uint8Array(flows.length);
  flows.forEach((item, i) => {
    writeFlow(rows, i * FLOW_WORDS, "change" in item ? item.flow : item);
    changes[i] = "change" in item ? item.change : FLOW_CHANGE.upsert;
  });
  const count = flows.length;
  const facts = { timeMs, epoch, count, cutMs: cutMs ?? null, health: { ...INGEST_OK, ...health } };
  return { kind: "flows", rows, changes, ...facts };
}

/** The event socket of a flow's namespace was found empty so long before the flow's events were read. */
const READING_MS = 100;

/** Writes a flow as the row at `offset`. */
function writeFlow(rows: Uint32Array, offset: number, { facts }: FlowFixture): void {
  const doubles = new Float64Array(rows.buffer);
  const double = (word: number, value: number): void => {
    doubles[(offset + word) / 2] = value;
  };
  const { from, to, server, seenFrom } = facts;
  rows.set(from.address, offset + FLOW.originalSource);
  rows.set(to.address, offset + FLOW.originalDestination);
  rows.set(server.address, offset + FLOW.replySource);
  rows.set(seenFrom.address, offset + FLOW.replyDestination);
  const icmp = facts.protocol === PROTOCOL.icmp || facts.protocol === PROTOCOL.icmpv6;
  rows[offset + FLOW.originalPorts] = (from.port << 16) | to.port;
  // The reply of an echo request (type 8) has type 0, and its id where the request had it.
  rows[offset + FLOW.replyPorts] = icmp ? seenFrom.port << 16 : (server.port << 16) | seenFrom.port;
  const family = isIpv4(from.address) ? FAMILY.ipv4 : FAMILY.ipv6;
  rows[offset + FLOW.kind] = packKind(facts.protocol, family, facts.state, facts.flags);
  rows[offset + FLOW.zone] = facts.zone;
  rows[offset + FLOW.netns] = facts.netns;
  rows[offset + FLOW.id] = facts.id;
  rows[offset + FLOW.status] = facts.status;
  rows[offset + FLOW.mark] = facts.mark;
  rows[offset + FLOW.count] = facts.count;
  double(FLOW.firstSeenMs, facts.firstSeenMs);
  double(FLOW.beganAfterMs, facts.emptyMs ?? facts.firstSeenMs - READING_MS);
  double(FLOW.lastSeenMs, facts.lastSeenMs);
  double(FLOW.lastAfterMs, facts.emptyMs ?? facts.lastSeenMs - READING_MS);
  double(FLOW.startMs, facts.startMs);
  [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes].forEach((word, i) => {
    double(word, facts.counters[i]!);
  });
}
