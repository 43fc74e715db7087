/** A conntrack entry as ctnetlink tells it: `linux/netfilter/nfnetlink_conntrack.h`, read by decode-conntrack.ts. */

/** What happened to the entry; `row`: nothing, it is the answer to a request. */
export type ConntrackKind = "new" | "update" | "destroy" | "row";

/**
 * One message. What is missing was not in it, which depends on `kind`: the kernel sends counters and timestamps with
 * `destroy` and `row` only, `protoInfo` when it changed, `mark` when it is not 0 or was changed, labels when they changed.
 */
export interface ConntrackMessage {
  readonly kind: ConntrackKind;
  /** AF_INET 2 or AF_INET6 10. */
  readonly family: number;
  /** The direction of the first packet. */
  readonly original: ConntrackTuple;
  /** What answers look like; without NAT the original reversed. */
  readonly reply: ConntrackTuple;
  /** The original tuple of the connection that announced this one (helpers). */
  readonly master?: ConntrackTuple;
  /** Zone for both directions, 0 when missing; a zone for one direction is in the tuple. */
  readonly zone?: number;
  readonly id?: number;
  /** Bits of `enum ip_conntrack_status`, `linux/netfilter/nf_conntrack_common.h`. */
  readonly status?: number;
  /** Seconds until the kernel forgets the entry. */
  readonly timeout?: number;
  readonly mark?: number;
  readonly use?: number;
  readonly protoInfo?: ConntrackProtoInfo;
  readonly helper?: ConntrackHelper;
  /** A bit set in the kernel's `long`s; 16 bytes. A copy. */
  readonly labels?: Uint8Array;
  readonly originalCounters?: ConntrackCounters;
  readonly replyCounters?: ConntrackCounters;
  /** When the entry was made and when it ended, nanoseconds since 1970. */
  readonly startNs?: bigint;
  readonly stopNs?: bigint;
  /** When the event happened, nanoseconds since 1970 (Linux 6.14). */
  readonly eventNs?: bigint;
}

/** One direction. Addresses are 4 or 16 bytes in network order; copies. */
export interface ConntrackTuple {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly proto: ConntrackProto;
  /** A zone that counts for this direction only. */
  readonly zone?: number;
}

/**
 * The transport protocol's number (`IPPROTO_*`) and its keys. `ports`: TCP, UDP, UDP-Lite, SCTP, DCCP; for GRE they are the keys of
 * a PPTP call. `icmp`: ICMP and ICMPv6. `other`: protocols of which the kernel knows no keys.
 */
export type ConntrackProto =
  | { readonly kind: "ports"; readonly number: number; readonly sourcePort: number; readonly destinationPort: number }
  | {
      readonly kind: "icmp";
      readonly number: number;
      readonly id: number;
      readonly type: number;
      readonly code: number;
    }
  | { readonly kind: "other"; readonly number: number };

/** The state of a protocol that has one. */
export type ConntrackProtoInfo =
  | {
      readonly kind: "tcp";
      /** `enum tcp_conntrack`, `linux/netfilter/nf_conntrack_tcp.h`. */
      readonly state: number;
      readonly originalWindowScale?: number;
      readonly replyWindowScale?: number;
      readonly originalFlags?: TcpFlags;
      readonly replyFlags?: TcpFlags;
    }
  | {
      readonly kind: "sctp";
      /** `enum sctp_conntrack`, `linux/netfilter/nf_conntrack_sctp.h`. */
      readonly state: number;
      readonly originalTag?: number;
      readonly replyTag?: number;
    }
  | { readonly kind: "dccp"; readonly state: number; readonly role?: number; readonly handshakeSequence?: bigint };

/** `struct nf_ct_tcp_flags`: IP_CT_TCP_FLAG_* bits; in a request `mask` says which of them to change. */
export interface TcpFlags {
  readonly flags: number;
  readonly mask: number;
}

/** Counters of one direction (nf_conntrack_acct). */
export interface ConntrackCounters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The helper that reads the connection's payload: `ftp`, `sip`, … */
export interface ConntrackHelper {
  readonly name: string;
  /** A copy. */
  readonly info?: Uint8Array;
}
