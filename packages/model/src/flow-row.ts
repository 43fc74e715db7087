/**
 * A flow as a row of 32-bit words: what the ingest's flow table stores, what a `FlowBatch` carries and what the merge
 * reads, so that a flow moves between them by copying words and never becomes an object.
 *
 * Addresses are 16 bytes in network order (address.ts). Everything else is in the machine's byte order. Doubles
 * are read through a Float64Array over the same buffer at half the word index; rows start at even words.
 *
 * What happened and what was seen are told apart: an event waits in its socket until that is read. So a beginning and an end are intervals.
 * What a reading found in a namespace happened after the moment at which the reading before had found the socket empty, and by the moment of
 * the reading itself. Both are of one clock for all threads, which never steps (`steadyMs` of the thread package).
 */

/** Word offsets inside a row. Names follow conntrack: original is the direction of the first packet. */
export const FLOW = {
  originalSource: 0, // 4 words, CTA_TUPLE_ORIG / CTA_IP_V4_SRC, CTA_IP_V6_SRC
  originalDestination: 4, // 4 words
  replySource: 8, // 4 words, CTA_TUPLE_REPLY
  replyDestination: 12, // 4 words
  originalPorts: 16, // source << 16 | destination; for ICMP id << 16 | type << 8 | code
  replyPorts: 17, // source << 16 | destination, as the reply direction has them
  kind: 18, // protocol | family << 8 | protocol state << 16 | FLOW_FLAG bits << 24
  zone: 19, // CTA_ZONE in the low half; the high half holds the zone's direction bits (ZONE_DIRECTION)
  netns: 20, // inode of the network namespace whose conntrack reported the flow
  id: 21, // CTA_ID
  status: 22, // CTA_STATUS: CT_STATUS bits
  mark: 23, // CTA_MARK
  lastAfterMs: 24, // double: what was last seen happened after this moment, and by lastSeenMs; -Infinity = unknown
  count: 26, // connections that the row stands for; 1 unless rows were aggregated
  serial: 27, // number of the flow in its life of the ingest: flows with the same key have different ones; 0 = aggregated
  firstSeenMs: 28, // double: by this moment it had begun
  lastSeenMs: 30, // double: by this moment what was last seen had happened; of a closed flow that is its end
  startMs: 32, // double, Unix milliseconds by the kernel (CTA_TIMESTAMP_START), 0 = unknown
  beganAfterMs: 34, // double: it began after this moment, and by firstSeenMs; -Infinity = unknown
  originalPackets: 36, // double, CTA_COUNTERS_ORIG; -1 = not counted (nf_conntrack_acct is off)
  originalBytes: 38, // double
  replyPackets: 40, // double, CTA_COUNTERS_REPLY; -1 = not counted
  replyBytes: 42, // double
} as const;

/** Words in a row: 176 bytes. */
export const FLOW_WORDS = 44;

/** Flags in the top byte of `FLOW.kind`. */
export const FLOW_FLAG = {
  fromDump: 1, // first seen in a dump, not in an event: it is older than firstSeenMs
  updated: 2, // seen in at least one UPDATE, or complete from a dump (S7)
  closed: 4, // was in TIME_WAIT, CLOSE or a later state: its closing has been told
  replied: 8, // IPS_SEEN_REPLY was seen at some time
  established: 0x10, // TCP: the handshake was completed at some time
  pickedUp: 0x40, // TCP: tracked from the middle of the stream (nf_conntrack_tcp_loose); original and reply may be swapped
  beganUnseen: 0x80, // first seen in an UPDATE or DESTROY, for its NEW was lost or missed: it is older than firstSeenMs
  aggregated: 0x20, // stands for `count` connections of one client to one service; the client's port is 0
} as const;

/** Direction bits in the high half of `FLOW.zone` (CTA_TUPLE_ZONE inside one tuple only). Zero: both directions. */
export const ZONE_DIRECTION = { original: 0x10000, reply: 0x20000 } as const;

/** Builds the word at `FLOW.kind`. */
export function packKind(protocol: number, family: number, state: number, flags: number): number {
  return (protocol | (family << 8) | (state << 16) | (flags << 24)) >>> 0;
}

/** The protocol number of a `FLOW.kind` or `SOCKET.kind` word. */
export function kindProtocol(kind: number): number {
  return kind & 0xff;
}

/** The address family (2 or 10) of a `FLOW.kind` or `SOCKET.kind` word. */
export function kindFamily(kind: number): number {
  return (kind >>> 8) & 0xff;
}

/** The protocol state of a `FLOW.kind` (CT_TCP_STATE or CT_SCTP_STATE) or `SOCKET.kind` (SOCKET_STATE) word. */
export function kindState(kind: number): number {
  return (kind >>> 16) & 0xff;
}

/** The flags of a `FLOW.kind` or `SOCKET.kind` word. */
export function kindFlags(kind: number): number {
  return kind >>> 24;
}
