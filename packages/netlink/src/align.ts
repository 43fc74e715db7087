/** Alignment of messages and attributes: `linux/netlink.h`. */

/** `#define NLMSG_ALIGN(len) ( ((len)+NLMSG_ALIGNTO-1) & ~(NLMSG_ALIGNTO-1) )`; `NLA_ALIGN` is the same: both align to 4. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}
