/** Numbers of `linux/netfilter/nfnetlink.h`. */

/** Bytes of `struct nfgenmsg`, which follows the header of every netfilter message. */
export const NFGENMSG_BYTES = 4;

/** Offsets inside `struct nfgenmsg`. */
export const NFGENMSG_OFFSET = {
  family: 0, // u8 nfgen_family
  version: 1, // u8 version, NFNETLINK_V0
  resourceId: 2, // be16 res_id
} as const;

/** Subsystems: the high byte of a netfilter message's type. */
export const NFNL_SUBSYS = {
  conntrack: 1, // NFNL_SUBSYS_CTNETLINK
  expectation: 2, // NFNL_SUBSYS_CTNETLINK_EXP
} as const;

/** Multicast groups (`enum nfnetlink_groups`), as numbers for `groups` of a socket. */
export const NFNLGRP = {
  conntrackNew: 1, // NFNLGRP_CONNTRACK_NEW
  conntrackUpdate: 2, // NFNLGRP_CONNTRACK_UPDATE
  conntrackDestroy: 3, // NFNLGRP_CONNTRACK_DESTROY
} as const;
