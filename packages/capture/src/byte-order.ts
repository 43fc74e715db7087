/**
 * Netlink messages of a machine of the other byte order. Netlink headers are in the order of the machine that wrote them
 * (netlink(7)), which a capture does not say; but a length that makes sense in one order makes none in the other. The
 * payloads of ctnetlink are in network order everywhere (linux/netfilter/nfnetlink_conntrack.h), so turning its headers
 * round is enough. sock_diag's payloads are not: they cannot be converted without knowing every structure.
 */
import {
  align4,
  LITTLE_ENDIAN,
  NFGENMSG_BYTES,
  NLA_FLAG,
  NLA_HEADER_BYTES,
  NLMSG_HEADER_BYTES,
  NLMSG_OFFSET,
  NLMSG_TYPE,
} from "@conntrail/netlink";

/** True when the bytes at `offset` begin with a message in the machine's own order. `length` is that of the datagram. */
export function isNativeOrder(view: DataView, offset: number, length: number): boolean {
  return isLength(view.getUint32(offset, LITTLE_ENDIAN), length);
}

/** True when they begin with a message in the other order. */
export function isForeignOrder(view: DataView, offset: number, length: number): boolean {
  return isLength(view.getUint32(offset, !LITTLE_ENDIAN), length);
}

/** Turns a datagram of NETLINK_NETFILTER messages into the machine's order, in place. Stops where lengths make no sense. */
export function swapNetfilter(view: DataView, offset: number, length: number): void {
  const end = offset + length;
  let at = offset;
  while (at + NLMSG_HEADER_BYTES <= end) {
    const bytes = view.getUint32(at, !LITTLE_ENDIAN);
    if (!isLength(bytes, end - at)) return;
    const type = view.getUint16(at + NLMSG_OFFSET.type, !LITTLE_ENDIAN);
    swap32(view, at + NLMSG_OFFSET.length);
    swap16(view, at + NLMSG_OFFSET.type);
    swap16(view, at + NLMSG_OFFSET.flags);
    swap32(view, at + NLMSG_OFFSET.sequence);
    swap32(view, at + NLMSG_OFFSET.portId);
    const payload = at + NLMSG_HEADER_BYTES;
    // struct nfgenmsg: family and version are bytes, res_id is in network order. Of a control message only the errno matters.
    if (type >= NLMSG_TYPE.minimum) swapAttributes(view, payload + NFGENMSG_BYTES, at + bytes, 0);
    else if (payload + 4 <= at + bytes) swap32(view, payload);
    at += align4(bytes);
  }
}

const MAX_DEPTH = 8;

function swapAttributes(view: DataView, start: number, end: number, depth: number): void {
  let at = start;
  while (at + NLA_HEADER_BYTES <= end) {
    const bytes = view.getUint16(at, !LITTLE_ENDIAN);
    if (bytes < NLA_HEADER_BYTES || at + bytes > end) return;
    const nested = (view.getUint16(at + 2, !LITTLE_ENDIAN) & NLA_FLAG.nested) !== 0;
    swap16(view, at);
    swap16(view, at + 2);
    if (nested && depth < MAX_DEPTH) swapAttributes(view, at + NLA_HEADER_BYTES, at + bytes, depth + 1);
    at += align4(bytes);
  }
}

function isLength(bytes: number, room: number): boolean {
  return bytes >= NLMSG_HEADER_BYTES && bytes <= room;
}

function swap32(view: DataView, at: number): void {
  view.setUint32(at, view.getUint32(at, true), false);
}

function swap16(view: DataView, at: number): void {
  view.setUint16(at, view.getUint16(at, true), false);
}
