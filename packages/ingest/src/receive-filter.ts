/**
 * The policy as a program that runs in the kernel for each event (classic BPF on the socket): what it drops is neither copied nor queued, and
 * nobody wakes for it. Beyond the policy it drops the TCP updates that change nothing in a report. An event in which it does not find what
 * it looks for passes. Sources: `linux/filter.h` (the extensions that find netlink attributes), net/core/filter.c.
 */
import { CT_STATUS, CT_TCP_STATE, PROTOCOL } from "@conntrail/model";
import {
  assembleBpf,
  BPF,
  type BpfInstruction,
  type BpfLine,
  CTA,
  CTA_IP,
  CTA_PROTO,
  CTA_PROTOINFO,
  CTA_PROTOINFO_TCP,
  CTA_TUPLE,
  IPCTNL_MSG_CT,
  LITTLE_ENDIAN,
  NFGENMSG_BYTES,
  NFNL_SUBSYS,
  NLA_HEADER_BYTES,
  NLM_FLAG,
  NLMSG_HEADER_BYTES,
  NLMSG_OFFSET,
  SKF_AD,
} from "@conntrail/netlink";
import type { FlowPolicy } from "./flow-policy.ts";

/**
 * States of a TCP connection on its way from one that matters to the next: SYN_RECV lies between the first packet and ESTABLISHED; CLOSE_WAIT
 * and LAST_ACK lie between FIN_WAIT, which tells that a connection is closing, and TIME_WAIT. Of the seven events of a connection
 * closed by FIN five remain, of those of one closed by RST four of five. A SYN_RECV of an entry that is assured is another connection's, in the entry of one whose end
 * nobody told (`isBegunAgain`): it passes.
 */
const PASSING_TCP_STATES = [CT_TCP_STATE.closeWait, CT_TCP_STATE.lastAck];

const LOAD_WORD_INDEXED = 0x40; // BPF_LD | BPF_W | BPF_IND
const JUMP_GREATER_OR_EQUAL = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const FIRST_ATTRIBUTE = NLMSG_HEADER_BYTES + NFGENMSG_BYTES;
// Header fields are in the machine's order: which byte is the high one depends on it.
const TYPE_HIGH = NLMSG_OFFSET.type + (LITTLE_ENDIAN ? 1 : 0);
const TYPE_LOW = NLMSG_OFFSET.type + (LITTLE_ENDIAN ? 0 : 1);
const FLAGS_HIGH = NLMSG_OFFSET.flags + (LITTLE_ENDIAN ? 1 : 0);

/** Words of scratch memory. */
const MEMORY = { tuple: 0, proto: 1 } as const;

/** The program for a socket that joins the groups of conntrack events. */
export function receiveFilter(policy: FlowPolicy): readonly BpfInstruction[] {
  return assembleBpf([
    { code: BPF.loadByte, k: TYPE_HIGH },
    { code: BPF.jumpEqual, k: NFNL_SUBSYS.conntrack, ifFalse: "pass" },
    { code: BPF.loadImmediate, k: FIRST_ATTRIBUTE },
    ...find(CTA.tupleOrig, SKF_AD.attribute),
    { code: BPF.store, k: MEMORY.tuple },
    ...(policy.loopback ? [] : noLoopback()),
    ...find(CTA_TUPLE.proto, SKF_AD.nestedAttribute),
    { code: BPF.store, k: MEMORY.proto },
    ...find(CTA_PROTO.number, SKF_AD.nestedAttribute),
    ...loadPayloadByte(),
    ...byProtocol(policy.protocols),
    "tcp",
    ...tcpUpdates(),
    "udp",
    ...(policy.multicast ? [] : noGroupAddress()),
    ...services(policy.aggregateUdpPorts),
    "pass",
    { code: BPF.return, k: 0xffffffff },
    "drop",
    { code: BPF.return, k: 0 },
  ]);
}

/** A is the protocol. */
function byProtocol(wanted: Uint8Array): readonly BpfLine[] {
  const section = (protocol: number, label: string): BpfLine => ({
    code: BPF.jumpEqual,
    k: protocol,
    ifTrue: wanted[protocol] === 0 ? "drop" : label,
  });
  const others = [...wanted.keys()].filter((protocol) => protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp);
  const all = others.every((protocol) => wanted[protocol] !== 0);
  return [
    section(PROTOCOL.tcp, "tcp"),
    section(PROTOCOL.udp, "udp"),
    ...(all ? [] : others.filter((protocol) => wanted[protocol] !== 0).map((protocol) => section(protocol, "pass"))),
    { goTo: all ? "pass" : "drop" },
  ];
}

function tcpUpdates(): readonly BpfLine[] {
  return [
    ...unlessUpdate("pass"),
    { code: BPF.loadImmediate, k: FIRST_ATTRIBUTE },
    ...find(CTA.protoInfo, SKF_AD.attribute),
    ...find(CTA_PROTOINFO.tcp, SKF_AD.nestedAttribute),
    ...find(CTA_PROTOINFO_TCP.state, SKF_AD.nestedAttribute),
    ...loadPayloadByte(),
    ...PASSING_TCP_STATES.map((k) => ({ code: BPF.jumpEqual, k, ifTrue: "drop" })),
    { code: BPF.jumpEqual, k: CT_TCP_STATE.synRecv, ifFalse: "pass" },
    ...loadStatus(),
    { code: BPF.jumpAnyBit, k: CT_STATUS.assured, ifTrue: "pass", ifFalse: "drop" },
  ];
}

/** Goes to `label` for NEW and DESTROY. */
function unlessUpdate(label: string): readonly BpfLine[] {
  return [
    { code: BPF.loadByte, k: TYPE_LOW },
    { code: BPF.jumpEqual, k: IPCTNL_MSG_CT.new, ifFalse: label },
    { code: BPF.loadByte, k: FLAGS_HIGH },
    { code: BPF.jumpAnyBit, k: NLM_FLAG.create >> 8, ifTrue: label },
  ];
}

/** A = the first byte of an address of the destination, whose attribute X leads to; without one on to `otherwise`. */
function destination(type: number, otherwise: string): readonly BpfLine[] {
  return [
    { code: BPF.loadMemory, k: MEMORY.tuple },
    ...find(CTA_TUPLE.ip, SKF_AD.nestedAttribute),
    ...find(type, SKF_AD.nestedAttribute, otherwise),
    ...loadPayloadByte(),
  ];
}

/** Drops what goes to 127.0.0.0/8 or ::1. A is the offset of the tuple before and after. */
function noLoopback(): readonly BpfLine[] {
  const word = (i: number): BpfLine => ({ code: LOAD_WORD_INDEXED, k: NLA_HEADER_BYTES + 4 * i });
  return [
    ...destination(CTA_IP.v4Destination, "to IPv6"),
    { code: BPF.jumpEqual, k: 127, ifTrue: "drop" },
    { goTo: "elsewhere" },
    "to IPv6",
    ...destination(CTA_IP.v6Destination, "elsewhere"),
    ...[0, 1, 2].flatMap((i) => [word(i), { code: BPF.jumpEqual, k: 0, ifFalse: "elsewhere" }]),
    word(3),
    { code: BPF.jumpEqual, k: 1, ifTrue: "drop" },
    "elsewhere",
    { code: BPF.loadMemory, k: MEMORY.tuple },
  ];
}

/** Drops what goes to 224.0.0.0/4, 255.255.255.255 or ff00::/8 (flow-policy.ts). */
function noGroupAddress(): readonly BpfLine[] {
  return [
    ...destination(CTA_IP.v4Destination, "ipv6"),
    { code: JUMP_GREATER_OR_EQUAL, k: 0xe0, ifTrue: "drop" },
    { goTo: "unicast" },
    "ipv6",
    ...destination(CTA_IP.v6Destination, "unicast"),
    { code: BPF.jumpEqual, k: 0xff, ifTrue: "drop" },
    "unicast",
  ];
}

/** Of the services that are only counted, passes what is counted: the update that tells of the answer, and the end of what had none. */
function services(ports: ReadonlySet<number>): readonly BpfLine[] {
  if (ports.size === 0) return [{ goTo: "pass" }];
  return [
    { code: BPF.loadMemory, k: MEMORY.proto },
    ...find(CTA_PROTO.destinationPort, SKF_AD.nestedAttribute),
    { code: BPF.toIndex },
    { code: BPF.loadHalfIndexed, k: NLA_HEADER_BYTES },
    ...[...ports].map((k) => ({ code: BPF.jumpEqual, k, ifTrue: "service" })),
    { goTo: "pass" },
    "service",
    ...unlessUpdate("no update"),
    ...loadStatus(),
    { code: BPF.jumpAnyBit, k: CT_STATUS.seenReply, ifFalse: "drop" },
    { code: BPF.jumpAnyBit, k: CT_STATUS.assured, ifTrue: "drop", ifFalse: "pass" },
    "no update",
    { code: BPF.loadByte, k: TYPE_LOW },
    { code: BPF.jumpEqual, k: IPCTNL_MSG_CT.delete, ifFalse: "drop" },
    ...loadStatus(),
    { code: BPF.jumpAnyBit, k: CT_STATUS.seenReply, ifTrue: "drop", ifFalse: "pass" },
  ];
}

/** A = the low byte of the status, which has the bits that are asked for. */
function loadStatus(): readonly BpfLine[] {
  return [
    { code: BPF.loadImmediate, k: FIRST_ATTRIBUTE },
    ...find(CTA.status, SKF_AD.attribute),
    { code: BPF.toIndex },
    { code: BPF.loadByteIndexed, k: NLA_HEADER_BYTES + 3 },
  ];
}

/** A = offset of the attribute of this type; without one on to `otherwise`. */
function find(type: number, extension: number, otherwise = "pass"): readonly BpfLine[] {
  return [
    { code: BPF.indexImmediate, k: type },
    { code: BPF.loadWord, k: extension },
    { code: BPF.jumpEqual, k: 0, ifTrue: otherwise },
  ];
}

/** A = the first byte of the payload of the attribute at offset A. */
function loadPayloadByte(): readonly BpfLine[] {
  return [{ code: BPF.toIndex }, { code: BPF.loadByteIndexed, k: NLA_HEADER_BYTES }];
}
