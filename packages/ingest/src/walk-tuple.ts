/**
 * A conntrack tuple of any shape to row words, attribute by attribute: ICMP, GRE, tuples with a zone of their own, and whatever another kernel
 * may write. It takes and refuses what `decodeTuple` of the netlink package does. Source: `ctnetlink_dump_tuples`, net/netfilter/nf_conntrack_netlink.c.
 */
import { FAMILY, IPV4_MAPPED_WORD } from "@conntrail/model";
import { CTA_IP, CTA_PROTO, CTA_TUPLE, WordCursor } from "@conntrail/netlink";

/** As a constant of this module: the compiler reads what another one exports anew each time. */
const MAPPED = IPV4_MAPPED_WORD;

/** What is returned for bytes that are no tuple. */
export const BAD_TUPLE = -1;

/** Every walk begins here; nothing in it outlives the call. */
const tuple = new WordCursor();

const SOURCE = 1;
const DESTINATION = 2;
const ENDS = SOURCE | DESTINATION;

/** As `decodeTuple` of decode-tuple.ts. */
export function walkTuple(
  words: Uint32Array,
  at: number,
  bytes: number,
  row: Uint32Array,
  address: number,
  ports: number,
): number {
  let family = 0;
  let protocol = -1;
  let zone = 0;
  tuple.over(words, at * 4 + 4, at * 4 + bytes);
  while (tuple.next()) {
    switch (tuple.type) {
      case CTA_TUPLE.ip:
        family = walkEnds(tuple.nested(), row, address);
        if (family < 0) return BAD_TUPLE;
        break;
      case CTA_TUPLE.proto:
        protocol = walkProto(tuple.nested(), row, ports);
        if (protocol < 0) return BAD_TUPLE;
        break;
      case CTA_TUPLE.zone:
        zone = tuple.u16be();
        break;
    }
  }
  if (tuple.failed || family === 0 || protocol < 0) return BAD_TUPLE;
  return protocol | (family << 8) | (zone << 16);
}

/** Writes both addresses and returns their family; negative unless there are two of one family. */
function walkEnds(ip: WordCursor, row: Uint32Array, address: number): number {
  let ipv4 = 0;
  let ipv6 = 0;
  while (ip.next()) {
    const isSource = ip.type === CTA_IP.v4Source || ip.type === CTA_IP.v6Source;
    const to = isSource ? address : address + 4;
    const end = isSource ? SOURCE : DESTINATION;
    switch (ip.type) {
      case CTA_IP.v4Source:
      case CTA_IP.v4Destination:
        if (ip.length !== 4) return BAD_TUPLE;
        writeMapped(row, to, ip.words[ip.at]!);
        ipv4 |= end;
        ipv6 &= ~end;
        break;
      case CTA_IP.v6Source:
      case CTA_IP.v6Destination:
        if (ip.length !== 16) return BAD_TUPLE;
        copyAddress(ip.words, ip.at, row, to);
        ipv6 |= end;
        ipv4 &= ~end;
        break;
    }
  }
  if (ipv4 === ENDS) return FAMILY.ipv4;
  return ipv6 === ENDS ? FAMILY.ipv6 : BAD_TUPLE;
}

/** Writes the keys of a protocol to `row[ports]`, ports or ICMP's (flow-row.ts), and returns its number; negative without one, or with half a key. */
function walkProto(proto: WordCursor, row: Uint32Array, ports: number): number {
  let number = -1;
  let source = -1;
  let destination = -1;
  let id = -1;
  let type = -1;
  let code = -1;
  while (proto.next()) {
    switch (proto.type) {
      case CTA_PROTO.number:
        number = proto.u8();
        break;
      case CTA_PROTO.sourcePort:
        source = proto.u16be();
        break;
      case CTA_PROTO.destinationPort:
        destination = proto.u16be();
        break;
      case CTA_PROTO.icmpId:
      case CTA_PROTO.icmpv6Id:
        id = proto.u16be();
        break;
      case CTA_PROTO.icmpType:
      case CTA_PROTO.icmpv6Type:
        type = proto.u8();
        break;
      case CTA_PROTO.icmpCode:
      case CTA_PROTO.icmpv6Code:
        code = proto.u8();
        break;
    }
  }
  if (proto.failed) return BAD_TUPLE;
  if (source >= 0 && destination >= 0) row[ports] = (source << 16) | destination;
  else if (id >= 0 && type >= 0 && code >= 0) row[ports] = (id << 16) | (type << 8) | code;
  else if ((source & destination & id & type & code) >= 0) return BAD_TUPLE;
  else row[ports] = 0;
  return number;
}

/** An IPv4 address as a row keeps it. */
export function writeMapped(row: Uint32Array, address: number, word: number): void {
  row[address] = 0;
  row[address + 1] = 0;
  row[address + 2] = MAPPED;
  row[address + 3] = word;
}

/** The four words of an IPv6 address. */
export function copyAddress(words: Uint32Array, from: number, row: Uint32Array, to: number): void {
  row[to] = words[from]!;
  row[to + 1] = words[from + 1]!;
  row[to + 2] = words[from + 2]!;
  row[to + 3] = words[from + 3]!;
}
