/**
 * A filter for conntrack events that runs in the kernel: what it drops costs neither buffer nor wake-up. Built from the extensions that find
 * netlink attributes (`linux/filter.h`); attached before the first group is joined, it holds for every event. An event
 * in which it does not find what it looks for passes.
 */
import { assembleBpf, type BpfInstruction, type BpfLine } from "./bpf.ts";
import { LITTLE_ENDIAN } from "./byte-order.ts";
import { BPF, SKF_AD } from "./filter-enum.ts";
import { NLA_HEADER_BYTES, NLM_FLAG, NLMSG_HEADER_BYTES, NLMSG_OFFSET } from "./netlink-enum.ts";
import {
  CTA,
  CTA_PROTO,
  CTA_PROTOINFO,
  CTA_PROTOINFO_TCP,
  CTA_TUPLE,
  IPCTNL_MSG_CT,
} from "./nfnetlink-conntrack-enum.ts";
import { NFGENMSG_BYTES, NFNL_SUBSYS } from "./nfnetlink-enum.ts";

/** What passes. All conditions must hold; a missing one holds always. */
export interface ConntrackEventFilter {
  /** Kinds of events, for a socket that joined more groups than it wants. */
  readonly kinds?: readonly ("new" | "update" | "destroy")[];
  /** Transport protocols (IPPROTO_*) of the original direction. */
  readonly protocols?: readonly number[];
  /** TCP updates that tell of these states (`enum tcp_conntrack`) are dropped, with whatever else they tell. */
  readonly dropTcpUpdates?: readonly number[];
  /** UDP events are dropped when the original destination port is one of these … */
  readonly dropUdpPorts?: readonly number[];
  /** … and pass only when it is one of these. */
  readonly onlyUdpPorts?: readonly number[];
}

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

const FIRST_ATTRIBUTE = NLMSG_HEADER_BYTES + NFGENMSG_BYTES;
/** Header fields are in host order: which byte is the high one depends on the machine. */
const TYPE_HIGH = NLMSG_OFFSET.type + (LITTLE_ENDIAN ? 1 : 0);
const TYPE_LOW = NLMSG_OFFSET.type + (LITTLE_ENDIAN ? 0 : 1);
const FLAGS_HIGH = NLMSG_OFFSET.flags + (LITTLE_ENDIAN ? 1 : 0);

/** Words of scratch memory. */
const MEMORY = { kind: 0, proto: 1 } as const;
const KIND = { new: 0, update: 1, destroy: 2 } as const;

/** The program for `filter` of a socket that joins NFNLGRP_CONNTRACK_* groups. */
export function conntrackEventFilter(filter: ConntrackEventFilter): readonly BpfInstruction[] {
  return assembleBpf([
    { code: BPF.loadByte, k: TYPE_HIGH },
    { code: BPF.jumpEqual, k: NFNL_SUBSYS.conntrack, ifFalse: "pass" },
    ...loadKind(),
    ...(filter.kinds === undefined ? [] : onlyThese(filter.kinds.map((kind) => KIND[kind]))),
    ...loadProtocol(),
    ...protocolSwitch(filter.protocols),
    "tcp",
    ...tcpUpdates(filter.dropTcpUpdates ?? []),
    "udp",
    ...udpPorts(filter),
    "pass",
    { code: BPF.return, k: 0xffffffff },
    "drop",
    { code: BPF.return, k: 0 },
  ]);
}

/** A and M[kind] = one of KIND. */
function loadKind(): readonly BpfLine[] {
  return [
    { code: BPF.loadByte, k: TYPE_LOW },
    { code: BPF.jumpEqual, k: IPCTNL_MSG_CT.delete, ifTrue: "kind destroy" },
    { code: BPF.jumpEqual, k: IPCTNL_MSG_CT.new, ifFalse: "pass" },
    { code: BPF.loadByte, k: FLAGS_HIGH },
    { code: BPF.jumpAnyBit, k: NLM_FLAG.create >> 8, ifTrue: "kind new" },
    { code: BPF.loadImmediate, k: KIND.update },
    { goTo: "kind known" },
    "kind new",
    { code: BPF.loadImmediate, k: KIND.new },
    { goTo: "kind known" },
    "kind destroy",
    { code: BPF.loadImmediate, k: KIND.destroy },
    "kind known",
    { code: BPF.store, k: MEMORY.kind },
  ];
}

/** Goes on when A is one of `kinds`, else drops. */
function onlyThese(kinds: readonly number[]): readonly BpfLine[] {
  return [
    ...kinds.map((kind) => ({ code: BPF.jumpEqual, k: kind, ifTrue: "kind wanted" })),
    { goTo: "drop" },
    "kind wanted",
  ];
}

/** A = number of the transport protocol, M[proto] = offset of CTA_TUPLE_PROTO. */
function loadProtocol(): readonly BpfLine[] {
  return [
    { code: BPF.loadImmediate, k: FIRST_ATTRIBUTE },
    ...find(CTA.tupleOrig, SKF_AD.attribute),
    ...find(CTA_TUPLE.proto, SKF_AD.nestedAttribute),
    { code: BPF.store, k: MEMORY.proto },
    ...find(CTA_PROTO.number, SKF_AD.nestedAttribute),
    { code: BPF.toIndex },
    { code: BPF.loadByteIndexed, k: NLA_HEADER_BYTES },
  ];
}

function protocolSwitch(protocols: readonly number[] | undefined): readonly BpfLine[] {
  const section = new Map([
    [IPPROTO_TCP, "tcp"],
    [IPPROTO_UDP, "udp"],
  ]);
  return [
    ...(protocols ?? [...section.keys()]).map((k) => ({ code: BPF.jumpEqual, k, ifTrue: section.get(k) ?? "pass" })),
    { goTo: protocols === undefined ? "pass" : "drop" },
  ];
}

function tcpUpdates(states: readonly number[]): readonly BpfLine[] {
  if (states.length === 0) return [{ goTo: "pass" }];
  return [
    { code: BPF.loadMemory, k: MEMORY.kind },
    { code: BPF.jumpEqual, k: KIND.update, ifFalse: "pass" },
    { code: BPF.loadImmediate, k: FIRST_ATTRIBUTE },
    ...find(CTA.protoInfo, SKF_AD.attribute),
    ...find(CTA_PROTOINFO.tcp, SKF_AD.nestedAttribute),
    ...find(CTA_PROTOINFO_TCP.state, SKF_AD.nestedAttribute),
    { code: BPF.toIndex },
    { code: BPF.loadByteIndexed, k: NLA_HEADER_BYTES },
    ...states.map((k) => ({ code: BPF.jumpEqual, k, ifTrue: "drop" })),
    { goTo: "pass" },
  ];
}

function udpPorts({ dropUdpPorts = [], onlyUdpPorts }: ConntrackEventFilter): readonly BpfLine[] {
  if (dropUdpPorts.length === 0 && onlyUdpPorts === undefined) return [{ goTo: "pass" }];
  return [
    { code: BPF.loadMemory, k: MEMORY.proto },
    ...find(CTA_PROTO.destinationPort, SKF_AD.nestedAttribute),
    { code: BPF.toIndex },
    { code: BPF.loadHalfIndexed, k: NLA_HEADER_BYTES },
    ...dropUdpPorts.map((k) => ({ code: BPF.jumpEqual, k, ifTrue: "drop" })),
    ...(onlyUdpPorts ?? []).map((k) => ({ code: BPF.jumpEqual, k, ifTrue: "pass" })),
    { goTo: onlyUdpPorts === undefined ? "pass" : "drop" },
  ];
}

/** A = offset of the attribute of this type; without one the event passes. */
function find(type: number, extension: number): readonly BpfLine[] {
  return [
    { code: BPF.indexImmediate, k: type },
    { code: BPF.loadWord, k: extension },
    { code: BPF.jumpEqual, k: 0, ifTrue: "pass" },
  ];
}
