/** The words in which a report speaks of a connection. Every set is closed; the order of each list is its encoding in columns. */

/** How the direction was decided, best first. */
export const EVIDENCE = ["none", "conntrack", "listener", "ephemeral-port", "port-order"] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** How far an evidence can be trusted. */
export const CONFIDENCE = ["none", "guess", "likely", "certain"] as const;
export type Confidence = (typeof CONFIDENCE)[number];

/**
 * What a connection is doing.
 * - `opening`: a TCP or SCTP handshake is under way; `unreplied`: no packet came back yet (UDP, ICMP, and TCP before SYN-ACK)
 * - `established`: both sides were heard; `closing`: half closed
 * - `closed`: it ended; `failed`: it ended without ever being established
 */
export const CONNECTION_STATE = [
  "unknown",
  "opening",
  "unreplied",
  "established",
  "closing",
  "closed",
  "failed",
] as const;
export type ConnectionState = (typeof CONNECTION_STATE)[number];

/** What is known of the process at an end. Only `known` and `listener` come with one; every other word says why there is none. */
export const OWNER_REASON = [
  "known",
  "not-local", // the end is not on this host
  "no-socket", // no socket with this end was seen: it closed before a scan, or the namespace cannot be reached; or there is none any more (`stale`)
  "no-process", // the socket has no process: a kernel socket, or one already closed by its owner (TIME_WAIT)
  "permission", // the process that holds it cannot be inspected
  "listener", // not missing: the end's own socket was not seen or has no process, but this process listens on its port
  "ambiguous", // several sockets have the same ends, in several namespaces or on several devices, or several programs hold the listener
  "off", // switched off by the configuration
  "unavailable", // sockets could not be read at all: see health.sockets
] as const;
export type OwnerReason = (typeof OWNER_REASON)[number];

/**
 * What the process at an end is known from, best first: the kernel saw it open, send or close (`trace`); it holds the very socket (`held`); it
 * listens on the port (`listener`).
 */
export type OwnerEvidence = "trace" | "held" | "listener";

/** What the kernel rewrote. `redirect`: destination NAT to the host itself. */
export const NAT_KIND = ["none", "dnat", "snat", "dnat+snat", "redirect"] as const;
export type NatKind = (typeof NAT_KIND)[number];

/** Where a row's facts came from: bits of `ConnectionColumns.sources`. */
export const SOURCE = { conntrack: 1, sockets: 2 } as const;

/** Bits of `ConnectionColumns.flags`. */
export const CONNECTION_FLAG = {
  fromLocal: 1, // the `from` end is on this host
  toLocal: 2, // the `to` end is on this host
  transit: 4, // neither end is: the host forwards it, or the row is stale (F35)
  aggregated: 8, // `count` connections of one client to one service; the client's port is 0
  offloaded: 0x10, // in a flowtable: counters and updates may be missing
  endUnseen: 0x20, // closed because a dump no longer had it, not because its end was seen
  expected: 0x800, // another connection had announced it: FTP's data, SIP's media
  stale: 0x1000, // conntrack keeps its entry, and the sockets that this host had of it are gone
  selfTraffic: 0x40, // conntrail's own (F42)
  fromTraced: 0x100, // the kernel saw the process of the `from` end open or close it
  toTraced: 0x200, // the same of the `to` end
  toRuled: 0x400, // whether the `to` end is on this host depends on a rule for packets: a process that is seen there was given what was meant for another
  toOwnNamespace: 0x80, // the `to` address belongs to the namespace that reported the row: with NAT, a redirect
} as const;

/** The index of `value` in a closed list: how it is stored in a column. */
export function indexOf<T extends string>(list: readonly T[], value: T): number {
  return list.indexOf(value);
}
