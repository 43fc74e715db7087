/** Numbers of rtnetlink that this package reads itself: `linux/rtnetlink.h`, `linux/if_link.h`, rtnetlink(7). */

/** Message types. */
export const RTM = {
  newLink: 16, // RTM_NEWLINK
  getLink: 18, // RTM_GETLINK
  newRoute: 24, // RTM_NEWROUTE
  getRoute: 26, // RTM_GETROUTE
} as const;

/** Attributes of a link. */
export const IFLA = {
  name: 3, // IFLA_IFNAME
  extendedMask: 29, // IFLA_EXT_MASK
} as const;

/** Bits of IFLA_EXT_MASK. */
export const RTEXT_FILTER = {
  skipStatistics: 8, // RTEXT_FILTER_SKIP_STATS
} as const;

/** Attributes of a route. */
export const RTA = {
  destination: 1, // RTA_DST
  table: 15, // RTA_TABLE
} as const;

/** Kinds of routes. */
export const RTN = {
  local: 2, // RTN_LOCAL
} as const;

/** Tables that the rules of every new namespace look into, whatever the packet (`fib_default_rules_init`, net/ipv4/fib_rules.c). */
export const RT_TABLE = {
  default: 253, // RT_TABLE_DEFAULT
  main: 254, // RT_TABLE_MAIN
  local: 255, // RT_TABLE_LOCAL
} as const;

/** Offsets in `struct ifinfomsg`. */
export const IFINFOMSG = { index: 4, bytes: 16 } as const;

/** Offsets in `struct rtmsg`. */
export const RTMSG = { family: 0, destinationLength: 1, table: 4, type: 7, bytes: 12 } as const;
