/**
 * The 16 bytes that LINKTYPE_NETLINK puts before a datagram, all in network order
 * (https://www.tcpdump.org/linktypes/LINKTYPE_NETLINK.html):
 *
 *     0  2  packet type, unused by readers: LINUX_SLL_OUTGOING for requests, else LINUX_SLL_HOST
 *     2  2  ARPHRD_NETLINK
 *     4 10  unused
 *    14  2  netlink family
 */
import { ARPHRD_NETLINK } from "./enums.ts";

/** Bytes of the header. */
export const LINK_HEADER_BYTES = 16;

const SLL_OUTGOING = 4; // LINUX_SLL_OUTGOING

/** Writes a header. */
export function writeLinkHeader(view: DataView, offset: number, family: number, outgoing: boolean): void {
  view.setUint16(offset, outgoing ? SLL_OUTGOING : 0);
  view.setUint16(offset + 2, ARPHRD_NETLINK);
  view.setUint32(offset + 4, 0);
  view.setUint32(offset + 8, 0);
  view.setUint16(offset + 12, 0);
  view.setUint16(offset + 14, family);
}

/** The netlink family in a header; -1 when it is not one of netlink's. */
export function readLinkFamily(view: DataView, offset: number): number {
  return view.getUint16(offset + 2) === ARPHRD_NETLINK ? view.getUint16(offset + 14) : -1;
}
