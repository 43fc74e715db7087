/**
 * Which flows are wanted. Both the kernel-side filter (receive-filter.ts) and the tracker keep to it: the filter for events, the tracker also for
 * dumps, which no filter sees, and for recordings.
 */
import {
  COUNTED_UDP_PORTS,
  FLOW,
  IPV4_MAPPED_WORD,
  isLoopback,
  kindProtocol,
  networkWord,
  PROTOCOL,
  protocolNumber,
} from "@conntrail/model";

/** The choice of flows, as options. */
export interface FlowPolicyOptions {
  /** Names or numbers of transport protocols; `"all"`: every one. Default TCP, SCTP and UDP. */
  readonly protocols?: readonly (string | number)[] | "all";
  /** Whether UDP to multicast and broadcast addresses, which nobody ever connects to, counts. Default false. */
  readonly multicast?: boolean;
  /** Whether connections to an address of the loopback count. Default true. */
  readonly loopback?: boolean;
  /**
   * UDP services whose flows are counted by client, server and port instead of being kept one by one. Default 53: a host asks
   * for names all day, from a new port each time. A lookup is counted when it is answered, or given up by conntrack.
   */
  readonly aggregateUdpPorts?: readonly number[];
}

/** The choice of flows, resolved. */
export interface FlowPolicy {
  /** By protocol number: 1 = wanted. */
  readonly protocols: Uint8Array;
  readonly multicast: boolean;
  readonly loopback: boolean;
  readonly aggregateUdpPorts: ReadonlySet<number>;
}

const DEFAULTS = {
  protocols: ["tcp", "sctp", "udp"],
  multicast: false,
  loopback: true,
  aggregateUdpPorts: COUNTED_UDP_PORTS,
} as const;

/** Resolves options. Throws RangeError for a protocol that has no such name or number. */
export function flowPolicy(options: FlowPolicyOptions = {}): FlowPolicy {
  const { protocols, multicast, loopback, aggregateUdpPorts } = { ...DEFAULTS, ...options };
  const wanted = new Uint8Array(256);
  if (protocols === "all") wanted.fill(1);
  else for (const protocol of protocols) wanted[resolveProtocol(protocol)] = 1;
  return {
    protocols: wanted,
    multicast,
    loopback,
    aggregateUdpPorts: new Set(aggregateUdpPorts),
  };
}

function resolveProtocol(name: string | number): number {
  const number = protocolNumber(String(name));
  if (number === undefined) throw new RangeError(`unknown protocol: ${name}`);
  return number;
}

/** What is to be done with a flow. */
export const VERDICT = {
  ignore: 0,
  track: 1, // keep it in the table
  count: 2, // count it as a use of its service
} as const;

/** One of VERDICT for a decoded row. */
export function verdict(policy: FlowPolicy, row: Uint32Array): number {
  const protocol = kindProtocol(row[FLOW.kind]!);
  if (policy.protocols[protocol] === 0) return VERDICT.ignore;
  if (!policy.loopback && isLoopback(row, FLOW.originalDestination)) return VERDICT.ignore;
  if (protocol !== PROTOCOL.udp) return VERDICT.track;
  if (policy.aggregateUdpPorts.has(row[FLOW.originalPorts]! & 0xffff)) return VERDICT.count;
  return !policy.multicast && isGroupAddress(row, FLOW.originalDestination) ? VERDICT.ignore : VERDICT.track;
}

/** 224.0.0.0/4 and 255.255.255.255 (RFC 5771, RFC 919; what is between is reserved and not in use), ff00::/8 (RFC 4291). */
function isGroupAddress(row: Uint32Array, at: number): boolean {
  if (row[at] === 0 && row[at + 1] === 0 && row[at + 2] === IPV4_MAPPED_WORD) {
    return networkWord(row[at + 3]!) >>> 28 >= 14;
  }
  return networkWord(row[at]!) >>> 24 === 0xff;
}
