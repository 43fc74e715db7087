/**
 * A conntrack tuple to row words. The kernel writes every tuple of a family with ports in one shape (`ctnetlink_dump_tuples`),
 * so that shape is compared as a whole first; any other is walked attribute by attribute.
 */
import { FAMILY, IPV4_MAPPED_WORD } from "@conntrail/model";
import { CTA_IP, CTA_PROTO, CTA_TUPLE } from "@conntrail/netlink";
import { attributeHeader, attributeLength, attributeType, firstByte, firstHalf } from "./words.ts";

/** What `decodeTuple` returns for bytes that are no tuple. */
export const BAD_TUPLE = -1;

const IP4 = attributeHeader(20, CTA_TUPLE.ip, true);
const IP4_SOURCE = attributeHeader(8, CTA_IP.v4Source);
const IP4_DESTINATION = attributeHeader(8, CTA_IP.v4Destination);
const IP6 = attributeHeader(44, CTA_TUPLE.ip, true);
const IP6_SOURCE = attributeHeader(20, CTA_IP.v6Source);
const IP6_DESTINATION = attributeHeader(20, CTA_IP.v6Destination);
const PROTO = attributeHeader(28, CTA_TUPLE.proto, true);
const PROTO_NUMBER = attributeHeader(5, CTA_PROTO.number);
const PROTO_SOURCE = attributeHeader(6, CTA_PROTO.sourcePort);
const PROTO_DESTINATION = attributeHeader(6, CTA_PROTO.destinationPort);

/** Bytes of a tuple with ports and no zone of its own. */
const TUPLE4_BYTES = 52;
const TUPLE6_BYTES = 76;

const HAS_SOURCE = 1;
const HAS_DESTINATION = 2;
const HAS_PROTOCOL = 4;
const COMPLETE = HAS_SOURCE | HAS_DESTINATION | HAS_PROTOCOL;

/**
 * Decodes the tuple attribute at word `at`, `bytes` long with its header: addresses to `row[address]`… (source, then
 * destination), ports to `row[ports]`. Returns protocol | family << 8 | the tuple's own zone << 16 (zone 0 is never
 * written by the kernel), or BAD_TUPLE. The attribute must lie within `words`.
 */
export function decodeTuple(
  words: Uint32Array,
  at: number,
  bytes: number,
  row: Uint32Array,
  address: number,
  ports: number,
): number {
  if (
    bytes === TUPLE4_BYTES &&
    ((words[at + 1]! ^ IP4) |
      (words[at + 2]! ^ IP4_SOURCE) |
      (words[at + 4]! ^ IP4_DESTINATION) |
      (words[at + 6]! ^ PROTO) |
      (words[at + 7]! ^ PROTO_NUMBER) |
      (words[at + 9]! ^ PROTO_SOURCE) |
      (words[at + 11]! ^ PROTO_DESTINATION)) ===
      0
  ) {
    writeMapped(row, address, words[at + 3]!);
    writeMapped(row, address + 4, words[at + 5]!);
    row[ports] = (firstHalf(words[at + 10]!) << 16) | firstHalf(words[at + 12]!);
    return firstByte(words[at + 8]!) | (FAMILY.ipv4 << 8);
  }
  if (
    bytes === TUPLE6_BYTES &&
    ((words[at + 1]! ^ IP6) |
      (words[at + 2]! ^ IP6_SOURCE) |
      (words[at + 7]! ^ IP6_DESTINATION) |
      (words[at + 12]! ^ PROTO) |
      (words[at + 13]! ^ PROTO_NUMBER) |
      (words[at + 15]! ^ PROTO_SOURCE) |
      (words[at + 17]! ^ PROTO_DESTINATION)) ===
      0
  ) {
    copyAddress(words, at + 3, row, address);
    copyAddress(words, at + 8, row, address + 4);
    row[ports] = (firstHalf(words[at + 16]!) << 16) | firstHalf(words[at + 18]!);
    return firstByte(words[at + 14]!) | (FAMILY.ipv6 << 8);
  }
  return walkTuple(words, at, bytes, row, address, ports);
}

function walkTuple(
  words: Uint32Array,
  at: number,
  bytes: number,
  row: Uint32Array,
  address: number,
  ports: number,
): number {
  let seen = 0;
  let protocol = 0;
  let family = 0;
  let zone = 0;
  row[ports] = 0;
  const end = at * 4 + bytes;
  for (let p = at * 4 + 4; p + 4 <= end; ) {
    const header = words[p >> 2]!;
    const length = attributeLength(header);
    if (length < 4 || p + length > end) return BAD_TUPLE;
    const inner = p + length;
    switch (attributeType(header)) {
      case CTA_TUPLE.ip:
        for (let q = p + 4; q + 4 <= inner; ) {
          const ip = words[q >> 2]!;
          const ipLength = attributeLength(ip);
          if (ipLength < 4 || q + ipLength > inner) return BAD_TUPLE;
          const type = attributeType(ip);
          if (type <= CTA_IP.v4Destination && type > 0) {
            if (ipLength !== 8) return BAD_TUPLE;
            writeMapped(row, type === CTA_IP.v4Source ? address : address + 4, words[(q >> 2) + 1]!);
            family = FAMILY.ipv4;
            seen |= type === CTA_IP.v4Source ? HAS_SOURCE : HAS_DESTINATION;
          } else if (type === CTA_IP.v6Source || type === CTA_IP.v6Destination) {
            if (ipLength !== 20) return BAD_TUPLE;
            copyAddress(words, (q >> 2) + 1, row, type === CTA_IP.v6Source ? address : address + 4);
            family = FAMILY.ipv6;
            seen |= type === CTA_IP.v6Source ? HAS_SOURCE : HAS_DESTINATION;
          }
          q += (ipLength + 3) & ~3;
        }
        break;
      case CTA_TUPLE.proto:
        for (let q = p + 4; q + 4 <= inner; ) {
          const proto = words[q >> 2]!;
          const protoLength = attributeLength(proto);
          if (protoLength < 4 || q + protoLength > inner) return BAD_TUPLE;
          const type = attributeType(proto);
          if (type === CTA_PROTO.number) {
            if (protoLength < 5) return BAD_TUPLE;
            protocol = firstByte(words[(q >> 2) + 1]!);
            seen |= HAS_PROTOCOL;
          } else if (!writePort(type, protoLength, words[(q >> 2) + 1]!, row, ports)) return BAD_TUPLE;
          q += (protoLength + 3) & ~3;
        }
        break;
      case CTA_TUPLE.zone:
        if (length < 6) return BAD_TUPLE;
        zone = firstHalf(words[(p >> 2) + 1]!);
        break;
    }
    p += (length + 3) & ~3;
  }
  return seen === COMPLETE ? protocol | (family << 8) | (zone << 16) : BAD_TUPLE;
}

/** Ports, and for ICMP id << 16 | type << 8 | code (flow-row.ts). False when the payload is too short. */
function writePort(type: number, length: number, payload: number, row: Uint32Array, ports: number): boolean {
  switch (type) {
    case CTA_PROTO.sourcePort:
    case CTA_PROTO.icmpId:
    case CTA_PROTO.icmpv6Id:
      row[ports] = (row[ports]! & 0xffff) | (firstHalf(payload) << 16);
      return length >= 6;
    case CTA_PROTO.destinationPort:
      row[ports] = (row[ports]! & 0xffff0000) | firstHalf(payload);
      return length >= 6;
    case CTA_PROTO.icmpType:
    case CTA_PROTO.icmpv6Type:
      row[ports] = (row[ports]! & 0xffff00ff) | (firstByte(payload) << 8);
      return length >= 5;
    case CTA_PROTO.icmpCode:
    case CTA_PROTO.icmpv6Code:
      row[ports] = (row[ports]! & 0xffffff00) | firstByte(payload);
      return length >= 5;
    default:
      return true;
  }
}

function writeMapped(row: Uint32Array, address: number, word: number): void {
  row[address] = 0;
  row[address + 1] = 0;
  row[address + 2] = IPV4_MAPPED_WORD;
  row[address + 3] = word;
}

function copyAddress(words: Uint32Array, from: number, row: Uint32Array, to: number): void {
  row[to] = words[from]!;
  row[to + 1] = words[from + 1]!;
  row[to + 2] = words[from + 2]!;
  row[to + 3] = words[from + 3]!;
}
