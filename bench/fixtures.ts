/**
 * Made-up traffic, the same in every run: clients of 10.0.0.0/8 that talk to a few services, some of them behind a virtual
 * address. One list of flows gives conntrack events as bytes, and rows as the ingest hands them on.
 */
import {
  CT_STATUS,
  CT_TCP_STATE,
  FAMILY,
  FLOW,
  FLOW_FLAG,
  FLOW_WORDS,
  networkWord,
  PROTOCOL,
  packKind,
  writeIpv4,
} from "@conntrail/model";
import { type ConntrackMessage, encodeConntrack } from "@conntrail/netlink";
import { seededRandom } from "./random.ts";

/** A flow: who connects to what, and what that is rewritten to. Addresses in host order, 10.0.0.1 is 0x0a000001. */
export interface FixtureFlow {
  readonly id: number;
  readonly client: number;
  readonly clientPort: number;
  /** What the client connects to; the server itself without NAT. */
  readonly visible: number;
  readonly visiblePort: number;
  readonly server: number;
  readonly serverPort: number;
}

/** What the flows are to be like. */
export interface FlowMix {
  readonly seed?: number;
  /** Share of flows whose destination is rewritten, 0 to 1. A quarter without it, as in the targets. */
  readonly nat?: number;
  /** Different services. */
  readonly services?: number;
}

const MIX_DEFAULTS = { seed: 1, nat: 0.25, services: 200 } as const;
const CLIENT_NETWORK = 0x0a000000;
const SERVER_NETWORK = 0x0ac80000;
const VIRTUAL_NETWORK = 0x0afe0000;
const NETNS = 4026531833;
const FLOWS_PER_CLIENT = 64;

/** `count` flows with different tuples. */
export function fixtureFlows(count: number, mix: FlowMix = {}): FixtureFlow[] {
  const { seed, nat, services } = { ...MIX_DEFAULTS, ...mix };
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const service = Math.floor(random() * services);
    const server = SERVER_NETWORK + 2 + service;
    const serverPort = 8000 + (service % 100);
    const rewritten = random() < nat;
    return {
      id: Math.floor(random() * 0xffffffff),
      client: CLIENT_NETWORK + 2 + Math.floor(i / FLOWS_PER_CLIENT),
      // A client's ports are all different, so no two flows have the same tuple.
      clientPort: 32768 + ((i * 431) % 28000),
      visible: rewritten ? VIRTUAL_NETWORK + 1 + (service >> 2) : server,
      visiblePort: rewritten ? 80 : serverPort,
      server,
      serverPort,
    };
  });
}

/** Rows of flow-row.ts: TCP, established, complete. */
export function fixtureRows(flows: readonly FixtureFlow[], timeMs: number): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(flows.length * FLOW_WORDS);
  const doubles = new Float64Array(rows.buffer);
  for (const [i, flow] of flows.entries()) {
    const at = i * FLOW_WORDS;
    writeIpv4(rows, at + FLOW.originalSource, flow.client);
    writeIpv4(rows, at + FLOW.originalDestination, flow.visible);
    writeIpv4(rows, at + FLOW.replySource, flow.server);
    writeIpv4(rows, at + FLOW.replyDestination, flow.client);
    rows[at + FLOW.originalPorts] = ((flow.clientPort << 16) | flow.visiblePort) >>> 0;
    rows[at + FLOW.replyPorts] = ((flow.serverPort << 16) | flow.clientPort) >>> 0;
    const flags = FLOW_FLAG.updated | FLOW_FLAG.replied | FLOW_FLAG.established;
    rows[at + FLOW.kind] = packKind(PROTOCOL.tcp, FAMILY.ipv4, CT_TCP_STATE.established, flags);
    rows[at + FLOW.netns] = NETNS;
    rows[at + FLOW.id] = flow.id;
    rows[at + FLOW.status] = statusOf(flow, true);
    rows[at + FLOW.count] = 1;
    doubles[(at + FLOW.firstSeenMs) / 2] = timeMs - 1000;
    doubles[(at + FLOW.lastSeenMs) / 2] = timeMs;
    for (const counter of [FLOW.originalPackets, FLOW.originalBytes, FLOW.replyPackets, FLOW.replyBytes]) {
      doubles[(at + counter) / 2] = -1;
    }
  }
  return rows;
}

/** Messages as a receiver leaves them: message `i` is `lengths[i]` bytes at `offsets[i]` of `block`, 8-byte aligned. */
export interface MessageBlock {
  readonly block: Uint8Array<ArrayBuffer>;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
}

const LIFE: readonly { readonly kind: ConntrackMessage["kind"]; readonly state: number; readonly replied: boolean }[] =
  [
    { kind: "new", state: CT_TCP_STATE.synSent, replied: false },
    { kind: "update", state: CT_TCP_STATE.synRecv, replied: true },
    { kind: "update", state: CT_TCP_STATE.established, replied: true },
    { kind: "update", state: CT_TCP_STATE.finWait, replied: true },
    { kind: "update", state: CT_TCP_STATE.lastAck, replied: true },
    { kind: "update", state: CT_TCP_STATE.timeWait, replied: true },
    { kind: "destroy", state: CT_TCP_STATE.timeWait, replied: true },
  ];

/** Messages in the life of one flow: NEW, UPDATE × 5, DESTROY. */
export const EVENTS_PER_LIFE: number = LIFE.length;

/** The whole lives of the flows, `concurrent` of them at a time, interleaved as a busy host's are. */
export function lifeEvents(flows: readonly FixtureFlow[], concurrent = 1000): MessageBlock {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < flows.length; from += concurrent) {
    const group = flows.slice(from, from + concurrent);
    for (const stage of LIFE) for (const flow of group) messages.push(encodeConntrack(messageOf(flow, stage)));
  }
  return toBlock(messages);
}

/** One dump row for each flow: what the kernel answers to a dump, without the final NLMSG_DONE. */
export function dumpRows(flows: readonly FixtureFlow[]): MessageBlock {
  const stage = { kind: "row", state: CT_TCP_STATE.established, replied: true } as const;
  return toBlock(flows.map((flow) => encodeConntrack(messageOf(flow, stage))));
}

function messageOf(flow: FixtureFlow, { kind, state, replied }: (typeof LIFE)[number]): ConntrackMessage {
  return {
    kind,
    family: FAMILY.ipv4,
    original: {
      source: ipv4Bytes(flow.client),
      destination: ipv4Bytes(flow.visible),
      proto: { kind: "ports", number: PROTOCOL.tcp, sourcePort: flow.clientPort, destinationPort: flow.visiblePort },
    },
    reply: {
      source: ipv4Bytes(flow.server),
      destination: ipv4Bytes(flow.client),
      proto: { kind: "ports", number: PROTOCOL.tcp, sourcePort: flow.serverPort, destinationPort: flow.clientPort },
    },
    id: flow.id,
    status: statusOf(flow, replied),
    ...(kind === "destroy" ? {} : { timeout: 120 }),
    protoInfo: { kind: "tcp", state, ...TCP_DETAILS },
  };
}

const TCP_DETAILS = {
  originalWindowScale: 7,
  replyWindowScale: 7,
  originalFlags: { flags: 0x23, mask: 0 },
  replyFlags: { flags: 0x23, mask: 0 },
} as const;

function statusOf(flow: FixtureFlow, replied: boolean): number {
  const nat = flow.visible === flow.server ? 0 : CT_STATUS.dstNat;
  return CT_STATUS.confirmed | nat | (replied ? CT_STATUS.seenReply | CT_STATUS.assured : 0);
}

function ipv4Bytes(address: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(networkWord(address)).buffer);
}

function toBlock(messages: readonly Uint8Array[]): MessageBlock {
  const offsets = new Uint32Array(messages.length);
  const lengths = Uint32Array.from(messages, (message) => message.length);
  let end = 0;
  for (const [i, message] of messages.entries()) {
    offsets[i] = end;
    end += (message.length + 7) & ~7;
  }
  const block = new Uint8Array(end);
  for (const [i, message] of messages.entries()) block.set(message, offsets[i]);
  return { block, offsets, lengths };
}
