/**
 * Numbers of `linux/netfilter/nfnetlink_conntrack.h`. Widths and byte orders are those of net/netfilter/nf_conntrack_netlink.c:
 * payloads are in network order unless said otherwise.
 */

/** Operations: the low byte of a message's type (`enum cntl_msg_types`). */
export const IPCTNL_MSG_CT = {
  new: 0, // IPCTNL_MSG_CT_NEW
  get: 1, // IPCTNL_MSG_CT_GET
  delete: 2, // IPCTNL_MSG_CT_DELETE
  getAndZero: 3, // IPCTNL_MSG_CT_GET_CTRZERO
  getStatsCpu: 4, // IPCTNL_MSG_CT_GET_STATS_CPU
  getStats: 5, // IPCTNL_MSG_CT_GET_STATS
} as const;

/** Attributes of a conntrack message (`enum ctattr_type`). */
export const CTA = {
  tupleOrig: 1, // CTA_TUPLE_ORIG, nested CTA_TUPLE
  tupleReply: 2, // CTA_TUPLE_REPLY, nested CTA_TUPLE
  status: 3, // CTA_STATUS, u32
  protoInfo: 4, // CTA_PROTOINFO, nested CTA_PROTOINFO
  help: 5, // CTA_HELP, nested CTA_HELP
  natSource: 6, // CTA_NAT_SRC, nested; requests only
  timeout: 7, // CTA_TIMEOUT, u32 seconds
  mark: 8, // CTA_MARK, u32
  countersOrig: 9, // CTA_COUNTERS_ORIG, nested CTA_COUNTERS
  countersReply: 10, // CTA_COUNTERS_REPLY, nested CTA_COUNTERS
  use: 11, // CTA_USE, u32
  id: 12, // CTA_ID, u32
  natDestination: 13, // CTA_NAT_DST, nested; requests only
  tupleMaster: 14, // CTA_TUPLE_MASTER, nested CTA_TUPLE
  seqAdjOrig: 15, // CTA_SEQ_ADJ_ORIG, nested
  seqAdjReply: 16, // CTA_SEQ_ADJ_REPLY, nested
  secMark: 17, // CTA_SECMARK, obsolete
  zone: 18, // CTA_ZONE, u16
  secContext: 19, // CTA_SECCTX, nested
  timestamp: 20, // CTA_TIMESTAMP, nested CTA_TIMESTAMP
  markMask: 21, // CTA_MARK_MASK, u32
  labels: 22, // CTA_LABELS, 16 bytes: a bit set of longs in host order
  labelsMask: 23, // CTA_LABELS_MASK
  synproxy: 24, // CTA_SYNPROXY, nested
  filter: 25, // CTA_FILTER, nested CTA_FILTER; requests only
  statusMask: 26, // CTA_STATUS_MASK, u32; requests only
  timestampEvent: 27, // CTA_TIMESTAMP_EVENT, u64 nanoseconds since 1970; Linux 6.14 with nf_conntrack_timestamp
} as const;

/** Attributes of a tuple (`enum ctattr_tuple`). */
export const CTA_TUPLE = {
  ip: 1, // CTA_TUPLE_IP, nested CTA_IP
  proto: 2, // CTA_TUPLE_PROTO, nested CTA_PROTO
  zone: 3, // CTA_TUPLE_ZONE, u16: the zone counts for this direction only
} as const;

/** Attributes of CTA_TUPLE_IP (`enum ctattr_ip`). */
export const CTA_IP = {
  v4Source: 1, // CTA_IP_V4_SRC, 4 bytes
  v4Destination: 2, // CTA_IP_V4_DST, 4 bytes
  v6Source: 3, // CTA_IP_V6_SRC, 16 bytes
  v6Destination: 4, // CTA_IP_V6_DST, 16 bytes
} as const;

/** Attributes of CTA_TUPLE_PROTO (`enum ctattr_l4proto`). */
export const CTA_PROTO = {
  number: 1, // CTA_PROTO_NUM, u8
  sourcePort: 2, // CTA_PROTO_SRC_PORT, u16; for GRE the key
  destinationPort: 3, // CTA_PROTO_DST_PORT, u16; for GRE the key
  icmpId: 4, // CTA_PROTO_ICMP_ID, u16
  icmpType: 5, // CTA_PROTO_ICMP_TYPE, u8
  icmpCode: 6, // CTA_PROTO_ICMP_CODE, u8
  icmpv6Id: 7, // CTA_PROTO_ICMPV6_ID, u16
  icmpv6Type: 8, // CTA_PROTO_ICMPV6_TYPE, u8
  icmpv6Code: 9, // CTA_PROTO_ICMPV6_CODE, u8
} as const;

/** Attributes of CTA_PROTOINFO (`enum ctattr_protoinfo`). */
export const CTA_PROTOINFO = {
  tcp: 1, // CTA_PROTOINFO_TCP, nested
  dccp: 2, // CTA_PROTOINFO_DCCP, nested
  sctp: 3, // CTA_PROTOINFO_SCTP, nested
} as const;

/** Attributes of CTA_PROTOINFO_TCP (`enum ctattr_protoinfo_tcp`). */
export const CTA_PROTOINFO_TCP = {
  state: 1, // CTA_PROTOINFO_TCP_STATE, u8
  windowScaleOriginal: 2, // CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, u8
  windowScaleReply: 3, // CTA_PROTOINFO_TCP_WSCALE_REPLY, u8
  flagsOriginal: 4, // CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, struct nf_ct_tcp_flags: flags u8, mask u8
  flagsReply: 5, // CTA_PROTOINFO_TCP_FLAGS_REPLY
} as const;

/** Attributes of CTA_PROTOINFO_DCCP (`enum ctattr_protoinfo_dccp`); the kernel's DCCP tracker is gone since Linux 6.16. */
export const CTA_PROTOINFO_DCCP = {
  state: 1, // CTA_PROTOINFO_DCCP_STATE, u8
  role: 2, // CTA_PROTOINFO_DCCP_ROLE, u8
  handshakeSequence: 3, // CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ, u64
} as const;

/** Attributes of CTA_PROTOINFO_SCTP (`enum ctattr_protoinfo_sctp`). */
export const CTA_PROTOINFO_SCTP = {
  state: 1, // CTA_PROTOINFO_SCTP_STATE, u8
  vtagOriginal: 2, // CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, u32
  vtagReply: 3, // CTA_PROTOINFO_SCTP_VTAG_REPLY, u32
} as const;

/** Attributes of CTA_COUNTERS_* (`enum ctattr_counters`). */
export const CTA_COUNTERS = {
  packets: 1, // CTA_COUNTERS_PACKETS, u64
  bytes: 2, // CTA_COUNTERS_BYTES, u64
  packets32: 3, // CTA_COUNTERS32_PACKETS, u32, old kernels
  bytes32: 4, // CTA_COUNTERS32_BYTES, u32, old kernels
} as const;

/** Attributes of CTA_TIMESTAMP (`enum ctattr_tstamp`). */
export const CTA_TIMESTAMP = {
  start: 1, // CTA_TIMESTAMP_START, u64 nanoseconds since 1970
  stop: 2, // CTA_TIMESTAMP_STOP, u64 nanoseconds since 1970
} as const;

/** Attributes of CTA_HELP (`enum ctattr_help`). */
export const CTA_HELP = {
  name: 1, // CTA_HELP_NAME, text ending in NUL
  info: 2, // CTA_HELP_INFO, bytes whose meaning the helper knows
} as const;

/** Attributes of CTA_FILTER (`enum ctattr_filter`). */
export const CTA_FILTER = {
  originalFlags: 1, // CTA_FILTER_ORIG_FLAGS, u32 in host order: CTA_FILTER_FLAG bits
  replyFlags: 2, // CTA_FILTER_REPLY_FLAGS
} as const;

/** Parts of a tuple that a dump is filtered by; not in a user header, but in net/netfilter/nf_internals.h. */
export const CTA_FILTER_FLAG = {
  protoNumber: 8, // CTA_FILTER_F_CTA_PROTO_NUM
} as const;
