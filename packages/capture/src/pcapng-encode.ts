/**
 * Blocks of pcapng (draft-ietf-opsawg-pcapng), written in this machine's byte order as the draft asks. Every block is
 * its type, its length, a body padded to 4 bytes, and its length again.
 */
import { align4, LITTLE_ENDIAN } from "@conntrail/netlink";
import {
  BLOCK,
  BYTE_ORDER_MAGIC,
  ENTERPRISE_NUMBER,
  LINKTYPE_NETLINK,
  OPTION,
  PACKET_FLAGS,
  SIDECAR_MAGIC,
  SIDECAR_VERSION,
} from "./enums.ts";
import { interfaceName } from "./interface-name.ts";
import { LINK_HEADER_BYTES, writeLinkHeader } from "./link-header.ts";

/** What a section header says of its writer. */
export interface SectionFacts {
  readonly hardware: string;
  readonly operatingSystem: string;
  readonly application: string;
}

/** A Section Header Block of unknown section length. A new array. */
export function encodeSection(facts: SectionFacts): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, LITTLE_ENDIAN);
  view.setUint16(4, 1, LITTLE_ENDIAN); // major version
  view.setBigInt64(8, -1n, LITTLE_ENDIAN); // section length: not known beforehand
  const options = [
    encodeOption(OPTION.hardware, Buffer.from(facts.hardware)),
    encodeOption(OPTION.operatingSystem, Buffer.from(facts.operatingSystem)),
    encodeOption(OPTION.application, Buffer.from(facts.application)),
  ];
  return encodeBlock(BLOCK.sectionHeader, [body, ...options, END_OF_OPTIONS]);
}

/** An Interface Description Block: LINKTYPE_NETLINK, microseconds, no limit of length. A new array. */
export function encodeInterface(netns: number, family: number): Uint8Array {
  const body = new Uint8Array(8);
  new DataView(body.buffer).setUint16(0, LINKTYPE_NETLINK, LITTLE_ENDIAN);
  const name = encodeOption(OPTION.interfaceName, Buffer.from(interfaceName(netns, family)));
  const resolution = encodeOption(OPTION.timeResolution, Uint8Array.of(6)); // 10^-6 s
  return encodeBlock(BLOCK.interfaceDescription, [body, name, resolution, END_OF_OPTIONS]);
}

/**
 * A Custom Block of ours: enterprise number, then magic (9 bytes, one zero), version, kind, two zero bytes, time in
 * microseconds (high word first), payload length, payload. A new array.
 */
export function encodeSidecar(kind: number, timeMs: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(SIDECAR_HEADER_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, ENTERPRISE_NUMBER, LITTLE_ENDIAN);
  head.set(Buffer.from(SIDECAR_MAGIC, "latin1"), 4);
  view.setUint16(14, SIDECAR_VERSION, LITTLE_ENDIAN);
  view.setUint16(16, kind, LITTLE_ENDIAN);
  writeMicros(view, 20, toMicros(timeMs));
  view.setUint32(28, payload.length, LITTLE_ENDIAN);
  return encodeBlock(BLOCK.custom, [head, payload]);
}

/** Bytes of a sidecar block between its length and its payload. */
export const SIDECAR_HEADER_BYTES = 32;

/** Longest datagram that Wireshark reads back: WTAP_MAX_PACKET_SIZE_STANDARD without the link header. */
export const MAX_DATAGRAM_BYTES: number = 262_144 - LINK_HEADER_BYTES;

/** Longest block that is written, and by default read. */
export const MAX_BLOCK_BYTES: number = 64 * 1024 * 1024;

/** Bytes of the Enhanced Packet Block for a datagram of `length` bytes. */
export function packetBlockBytes(length: number): number {
  return PACKET_HEADER_BYTES + LINK_HEADER_BYTES + align4(length) + PACKET_TRAILER_BYTES;
}

/** Writes an Enhanced Packet Block at `at`, which must have `packetBlockBytes(length)` bytes of room. */
export function writePacketBlock(
  target: Uint8Array,
  view: DataView,
  at: number,
  packet: PacketFacts,
  source: Uint8Array,
  offset: number,
  length: number,
): void {
  const blockBytes = packetBlockBytes(length);
  const captured = LINK_HEADER_BYTES + length;
  view.setUint32(at, BLOCK.enhancedPacket, LITTLE_ENDIAN);
  view.setUint32(at + 4, blockBytes, LITTLE_ENDIAN);
  view.setUint32(at + 8, packet.interfaceIndex, LITTLE_ENDIAN);
  writeMicros(view, at + 12, packet.micros);
  view.setUint32(at + 20, captured, LITTLE_ENDIAN);
  view.setUint32(at + 24, captured, LITTLE_ENDIAN);
  writeLinkHeader(view, at + PACKET_HEADER_BYTES, packet.family, packet.outgoing);
  const data = at + PACKET_HEADER_BYTES + LINK_HEADER_BYTES;
  target.set(source.subarray(offset, offset + length), data);
  const trailer = data + align4(length);
  target.fill(0, data + length, trailer);
  const reception = packet.multicast ? PACKET_FLAGS.multicast : PACKET_FLAGS.unicast;
  view.setUint16(trailer, OPTION.packetFlags, LITTLE_ENDIAN);
  view.setUint16(trailer + 2, 4, LITTLE_ENDIAN);
  view.setUint32(
    trailer + 4,
    (packet.outgoing ? PACKET_FLAGS.outbound : PACKET_FLAGS.inbound) | reception,
    LITTLE_ENDIAN,
  );
  view.setUint32(trailer + 8, OPTION.end, LITTLE_ENDIAN);
  view.setUint32(trailer + 12, blockBytes, LITTLE_ENDIAN);
}

/** What an Enhanced Packet Block says of its packet. */
export interface PacketFacts {
  readonly interfaceIndex: number;
  readonly micros: number;
  readonly family: number;
  readonly outgoing: boolean;
  readonly multicast: boolean;
}

const PACKET_HEADER_BYTES = 28;
const PACKET_TRAILER_BYTES = 16; // epb_flags, opt_endofopt, block length

const END_OF_OPTIONS = new Uint8Array(4);

/** Unix milliseconds as whole microseconds, which a block's time is in; before 1970 is 1970. Throws RangeError for what is no time. */
export function toMicros(timeMs: number): number {
  const micros = Math.max(0, Math.round(timeMs * 1000));
  if (!Number.isSafeInteger(micros)) throw new RangeError(`timeMs: expected Unix milliseconds, got ${timeMs}`);
  return micros;
}

function writeMicros(view: DataView, offset: number, micros: number): void {
  view.setUint32(offset, Math.floor(micros / 0x1_0000_0000), LITTLE_ENDIAN);
  view.setUint32(offset + 4, micros >>> 0, LITTLE_ENDIAN);
}

function encodeOption(code: number, value: Uint8Array): Uint8Array {
  const kept = value.subarray(0, 0xffff);
  const option = new Uint8Array(4 + align4(kept.length));
  const view = new DataView(option.buffer);
  view.setUint16(0, code, LITTLE_ENDIAN);
  view.setUint16(2, kept.length, LITTLE_ENDIAN);
  option.set(kept, 4);
  return option;
}

function encodeBlock(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const bodyBytes = align4(parts.reduce((sum, part) => sum + part.length, 0));
  const block = new Uint8Array(12 + bodyBytes);
  const view = new DataView(block.buffer);
  view.setUint32(0, type, LITTLE_ENDIAN);
  view.setUint32(4, block.length, LITTLE_ENDIAN);
  let at = 8;
  for (const part of parts) {
    block.set(part, at);
    at += part.length;
  }
  view.setUint32(block.length - 4, block.length, LITTLE_ENDIAN);
  return block;
}
