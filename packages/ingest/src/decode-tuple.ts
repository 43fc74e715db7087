/**
 * A conntrack tuple to row words. The kernel writes every tuple of a family with ports in one shape (`ctnetlink_dump_tuples`), and ICMP's over IPv4 in another
 * (`icmp_tuple_to_nlattr`), so these are compared as a whole here; any other is walked attribute by attribute (walk-tuple.ts).
 */
import { FAMILY } from "@conntrail/model";
import { attributeHeader, CTA_IP, CTA_PROTO, CTA_TUPLE, firstByte, firstHalf } from "@conntrail/netlink";
import { copyAddress, walkTuple, writeMapped } from "./walk-tuple.ts";

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

const ICMP = attributeHeader(36, CTA_TUPLE.proto, true);
const ICMP_ID = attributeHeader(6, CTA_PROTO.icmpId);
const ICMP_TYPE = attributeHeader(5, CTA_PROTO.icmpType);
const ICMP_CODE = attributeHeader(5, CTA_PROTO.icmpCode);

/** Bytes of such a tuple of ICMP, and of a tuple with ports, without a zone of its own. */
const ICMP4_BYTES = 60;
const TUPLE4_BYTES = 52;
const TUPLE6_BYTES = 76;

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
  return decodeOther(words, at, bytes, row, address, ports);
}

/** A function of its own: the compiler takes in, with what it calls, no more than the two common shapes need. */
function decodeOther(
  words: Uint32Array,
  at: number,
  bytes: number,
  row: Uint32Array,
  address: number,
  ports: number,
): number {
  if (
    bytes === ICMP4_BYTES &&
    ((words[at + 1]! ^ IP4) |
      (words[at + 2]! ^ IP4_SOURCE) |
      (words[at + 4]! ^ IP4_DESTINATION) |
      (words[at + 6]! ^ ICMP) |
      (words[at + 7]! ^ PROTO_NUMBER) |
      (words[at + 9]! ^ ICMP_ID) |
      (words[at + 11]! ^ ICMP_TYPE) |
      (words[at + 13]! ^ ICMP_CODE)) ===
      0
  ) {
    writeMapped(row, address, words[at + 3]!);
    writeMapped(row, address + 4, words[at + 5]!);
    row[ports] = (firstHalf(words[at + 10]!) << 16) | (firstByte(words[at + 12]!) << 8) | firstByte(words[at + 14]!);
    return firstByte(words[at + 8]!) | (FAMILY.ipv4 << 8);
  }
  return walkTuple(words, at, bytes, row, address, ports);
}
