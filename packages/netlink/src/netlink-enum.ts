/** Numbers of `linux/netlink.h`. */

/** Bytes of a message header (`struct nlmsghdr`). */
export const NLMSG_HEADER_BYTES = 16; // NLMSG_HDRLEN
/** Bytes of an attribute header (`struct nlattr`). */
export const NLA_HEADER_BYTES = 4; // NLA_HDRLEN

/** Offsets inside `struct nlmsghdr`; every field is in host order. */
export const NLMSG_OFFSET = {
  length: 0, // u32 nlmsg_len
  type: 4, // u16 nlmsg_type
  flags: 6, // u16 nlmsg_flags
  sequence: 8, // u32 nlmsg_seq
  portId: 12, // u32 nlmsg_pid
} as const;

/** Protocol families of AF_NETLINK. */
export const NETLINK_FAMILY = {
  route: 0, // NETLINK_ROUTE
  sockDiag: 4, // NETLINK_SOCK_DIAG
  netfilter: 12, // NETLINK_NETFILTER
} as const;

/** Control messages; types below `minimum` belong to no protocol. */
export const NLMSG_TYPE = {
  noop: 1, // NLMSG_NOOP
  error: 2, // NLMSG_ERROR
  done: 3, // NLMSG_DONE
  overrun: 4, // NLMSG_OVERRUN
  minimum: 0x10, // NLMSG_MIN_TYPE
} as const;

/** Flags of a message header. */
export const NLM_FLAG = {
  request: 0x01, // NLM_F_REQUEST
  multi: 0x02, // NLM_F_MULTI
  ack: 0x04, // NLM_F_ACK
  echo: 0x08, // NLM_F_ECHO
  dumpInterrupted: 0x10, // NLM_F_DUMP_INTR
  dumpFiltered: 0x20, // NLM_F_DUMP_FILTERED
  dump: 0x300, // NLM_F_DUMP: NLM_F_ROOT | NLM_F_MATCH, of GET requests
  replace: 0x100, // NLM_F_REPLACE, of NEW requests
  exclusive: 0x200, // NLM_F_EXCL
  create: 0x400, // NLM_F_CREATE
  append: 0x800, // NLM_F_APPEND
  capped: 0x100, // NLM_F_CAPPED, of NLMSG_ERROR: the request is not echoed
  ackTlvs: 0x200, // NLM_F_ACK_TLVS, of NLMSG_ERROR: attributes follow
} as const;

/** Flag bits in an attribute's type. */
export const NLA_FLAG = {
  nested: 0x8000, // NLA_F_NESTED
  netByteOrder: 0x4000, // NLA_F_NET_BYTEORDER
} as const;
/** What remains of an attribute's type without the flags. */
export const NLA_TYPE_MASK = 0x3fff; // NLA_TYPE_MASK

/** Attributes of NLMSG_ERROR when `NLM_FLAG.ackTlvs` is set. */
export const NLMSGERR_ATTR = {
  message: 1, // NLMSGERR_ATTR_MSG
  offset: 2, // NLMSGERR_ATTR_OFFS
} as const;
