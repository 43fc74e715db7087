/** pcapng, in both byte orders, any number of sections (draft-ietf-opsawg-pcapng). Blocks that hold nothing for us are skipped and counted. */
import { align4 } from "@conntrail/netlink";
import { BATCH_PACKETS, PACKET } from "./batch.ts";
import { type CaptureItem, captureError, type Decoder, type DecoderState, takeBatch } from "./decoder.ts";
import { BLOCK, BYTE_ORDER_MAGIC, LINKTYPE_NETLINK, OPTION, PACKET_FLAGS } from "./enums.ts";
import type { CaptureError } from "./errors.ts";
import { type Direction, takePacket } from "./intake.ts";
import { decodeInterface, type PcapngInterface, packetTime } from "./pcapng-interface.ts";
import { eachOption } from "./pcapng-options.ts";
import type { SidecarRecord } from "./records.ts";
import { decodeSidecar } from "./sidecar-decode.ts";
import type { ReadWindow } from "./window.ts";

const BLOCK_HEADER_BYTES = 8; // type and length
const MIN_BLOCK_BYTES = 12; // and the length again
const MIN_SECTION_BYTES = 28;
const MIN_INTERFACE_BYTES = 20;
const PACKET_HEADER_BYTES = 28; // of an Enhanced Packet Block, up to its data
const MIN_PACKET_BYTES = PACKET_HEADER_BYTES + 4;
/** Interfaces of one section at the most: a recording has two for each namespace it ever met. */
const MAX_INTERFACES = 0x10000;

/** A decoder for one file. */
export function pcapngDecoder(state: DecoderState): Decoder {
  const { batch, counts } = state;
  let little = true;
  let interfaces: PcapngInterface[] = [];
  let needed = MIN_BLOCK_BYTES;
  let foreignInterface: number | undefined;

  function* decode(window: ReadWindow): Generator<CaptureItem> {
    try {
      for (;;) {
        const length = blockLength(window);
        if (length === undefined) break;
        const at = window.start;
        if (window.view.getUint32(at, little) === BLOCK.enhancedPacket) {
          if (batch.count === BATCH_PACKETS) yield* takeBatch(batch);
          batch.block = window.bytes;
          takePacketBlock(window, length);
        } else {
          const record = takeOther(window, length);
          if (record !== undefined) {
            yield* takeBatch(batch);
            window.start = at + length;
            yield record;
          }
        }
        window.start = at + length;
        counts.bytes = window.offset;
      }
    } catch (error) {
      yield* takeBatch(batch);
      throw error;
    }
    yield* takeBatch(batch);
  }

  /** The length of the block at the window's front; `undefined` when it is not wholly there. Checks both of its lengths. */
  function blockLength(window: ReadWindow): number | undefined {
    const { view, start, end } = window;
    needed = MIN_BLOCK_BYTES;
    if (end - start < MIN_BLOCK_BYTES) return undefined;
    if (view.getUint32(start, true) === BLOCK.sectionHeader) little = sectionOrder(window);
    const length = view.getUint32(start + 4, little);
    if (length < MIN_BLOCK_BYTES || length % 4 !== 0) throw at(window, "corrupt", `block of ${length} bytes`);
    if (length > state.maxBlockBytes) {
      throw at(window, "too-long", `block of ${length} bytes, the limit is ${state.maxBlockBytes}`);
    }
    needed = length;
    if (end - start < length) return undefined;
    const again = view.getUint32(start + length - 4, little);
    if (again !== length) throw at(window, "corrupt", `block of ${length} bytes ends with length ${again}`);
    return length;
  }

  function takePacketBlock(window: ReadWindow, length: number): void {
    const { view, start } = window;
    if (length < MIN_PACKET_BYTES) throw at(window, "corrupt", `packet block of ${length} bytes`);
    const index = view.getUint32(start + 8, little);
    const from = interfaces[index];
    if (from === undefined) throw at(window, "corrupt", `packet of interface ${index}, ${interfaces.length} are known`);
    if (from.linkType !== LINKTYPE_NETLINK) {
      if (!interfaces.some((known) => known.linkType === LINKTYPE_NETLINK)) throw wrongLinkType();
      counts.foreignPackets++;
      return;
    }
    const captured = view.getUint32(start + 20, little);
    const options = start + PACKET_HEADER_BYTES + align4(captured);
    const end = start + length - 4;
    if (captured > length || options > end) {
      throw at(window, "corrupt", `packet of ${captured} bytes in a block of ${length}`);
    }
    const timeMs = packetTime(from, view.getUint32(start + 12, little), view.getUint32(start + 16, little));
    const full = view.getUint32(start + 24, little);
    const data = start + PACKET_HEADER_BYTES;
    takePacket(state, from, view, data, captured, full, timeMs, direction(view, options, end));
  }

  /** epb_flags; the first option of every packet that this package writes. */
  function direction(view: DataView, start: number, end: number): Direction {
    if (start + 8 > end) return undefined;
    if (view.getUint16(start, little) === OPTION.packetFlags) return toDirection(view.getUint32(start + 4, little));
    let found: Direction;
    eachOption(view, start, end, little, (code, offset, length) => {
      if (code === OPTION.packetFlags && length === 4) found = toDirection(view.getUint32(offset, little));
    });
    return found;
  }

  function takeOther(window: ReadWindow, length: number): SidecarRecord | undefined {
    const { bytes, view, start } = window;
    const end = start + length - 4;
    switch (view.getUint32(start, little)) {
      case BLOCK.sectionHeader:
        takeSection(window, length);
        return undefined;
      case BLOCK.interfaceDescription:
        takeInterface(window, length);
        return undefined;
      case BLOCK.custom:
        return decodeSidecar(state, bytes, view, start + BLOCK_HEADER_BYTES, end, little);
      default:
        counts.skippedBlocks++;
        return undefined;
    }
  }

  function takeSection(window: ReadWindow, length: number): void {
    const { view, start } = window;
    if (length < MIN_SECTION_BYTES) throw at(window, "corrupt", `section header of ${length} bytes`);
    const major = view.getUint16(start + 12, little);
    if (major !== 1) throw at(window, "unsupported", `pcapng version ${major}`);
    interfaces = [];
    counts.sections++;
  }

  function takeInterface(window: ReadWindow, length: number): void {
    const { bytes, view, start } = window;
    const end = start + length - 4;
    if (interfaces.length === MAX_INTERFACES) throw at(window, "too-long", `more than ${MAX_INTERFACES} interfaces`);
    if (length < MIN_INTERFACE_BYTES) throw at(window, "corrupt", `interface description of ${length} bytes`);
    const found = decodeInterface(bytes, view, start + BLOCK_HEADER_BYTES, end, little);
    if (found === undefined) throw at(window, "corrupt", "an option of the interface reaches beyond its block");
    if (found.linkType !== LINKTYPE_NETLINK) foreignInterface ??= window.offset;
    interfaces.push(found);
  }

  /** The byte order of the section that begins at the window's front. */
  function sectionOrder(window: ReadWindow): boolean {
    const magic = window.view.getUint32(window.start + 8, true);
    if (magic === BYTE_ORDER_MAGIC) return true;
    if (window.view.getUint32(window.start + 8, false) === BYTE_ORDER_MAGIC) return false;
    throw at(window, "corrupt", `section header with byte-order magic 0x${magic.toString(16)}`);
  }

  function finish(window: ReadWindow): [] {
    const left = window.end - window.start;
    if (left > 0) throw at(window, "truncated", `${left} of ${needed} bytes of a block`);
    if (counts.packets === 0 && foreignInterface !== undefined && !interfaces.some(isNetlink)) throw wrongLinkType();
    return [];
  }

  function wrongLinkType(): CaptureError {
    const linkTypes = [...new Set(interfaces.map((known) => known.linkType))].join(", ");
    return captureError(state, "wrong-link-type", foreignInterface ?? 0, expectedLinkType(linkTypes));
  }

  function at(window: ReadWindow, code: CaptureError["code"], facts: string): CaptureError {
    return captureError(state, code, window.offset, facts);
  }

  return { decode, needed: () => needed, finish };
}

/** How a wrong link type is told. */
export function expectedLinkType(got: string | number): string {
  return `expected link type ${LINKTYPE_NETLINK} (netlink), got ${got}`;
}

function isNetlink(known: PcapngInterface): boolean {
  return known.linkType === LINKTYPE_NETLINK;
}

function toDirection(flags: number): Direction {
  const outgoing = (flags & PACKET_FLAGS.directionMask) === PACKET_FLAGS.outbound ? PACKET.outgoing : 0;
  switch (flags & PACKET_FLAGS.receptionMask) {
    case PACKET_FLAGS.multicast:
      return outgoing | PACKET.multicast;
    case PACKET_FLAGS.unicast:
      return outgoing;
    default:
      return outgoing === 0 ? undefined : outgoing;
  }
}
