/** Decides about one packet of a capture: into the batch with it, or left out and counted. The hot path of reading. */
import {
  LITTLE_ENDIAN,
  NETLINK_FAMILY,
  NLM_FLAG,
  NLMSG_HEADER_BYTES,
  NLMSG_OFFSET,
  NLMSG_TYPE,
} from "@conntrail/netlink";
import { PACKET } from "./batch.ts";
import { isForeignOrder, isNativeOrder, swapNetfilter } from "./byte-order.ts";
import type { DecoderState } from "./decoder.ts";
import { LINK_HEADER_BYTES, readLinkFamily } from "./link-header.ts";

/** An interface of a capture file as the intake needs it. */
export interface CaptureInterface {
  readonly netns: number;
  /** Indices into the sources, once packets of that family were seen. */
  netfilter: number;
  sockDiag: number;
}

/** What the file says of a packet's way: PACKET bits; `undefined` when it says nothing and the message must tell. */
export type Direction = number | undefined;

/**
 * Takes the packet of `length` captured bytes at `offset`, link header included, of which the original had `fullLength`.
 * The batch must have room for one more. May turn the bytes round in place (byte-order.ts).
 */
export function takePacket(
  state: DecoderState,
  from: CaptureInterface,
  view: DataView,
  offset: number,
  length: number,
  fullLength: number,
  timeMs: number,
  direction: Direction,
): void {
  if (length < LINK_HEADER_BYTES + NLMSG_HEADER_BYTES) {
    state.counts.badPackets++;
    return;
  }
  const family = readLinkFamily(view, offset);
  if (family !== NETLINK_FAMILY.netfilter && family !== NETLINK_FAMILY.sockDiag) {
    state.counts.otherFamilies++;
    return;
  }
  const data = offset + LINK_HEADER_BYTES;
  const cut = fullLength > length;
  if (
    !isNativeOrder(view, data, fullLength - LINK_HEADER_BYTES) &&
    !reorder(state, view, data, length, fullLength, family)
  ) {
    return;
  }
  const source = sourceOf(state, from, family);
  if (source < 0) {
    state.counts.badPackets++;
    return;
  }
  const { batch } = state;
  const at = batch.count++;
  batch.offsets[at] = data;
  batch.lengths[at] = length - LINK_HEADER_BYTES;
  batch.timesMs[at] = timeMs;
  batch.sources[at] = source;
  batch.flags[at] = (direction ?? messageDirection(view, data)) | (cut ? PACKET.cut : 0);
  state.counts.packets++;
}

function sourceOf(state: DecoderState, from: CaptureInterface, family: number): number {
  if (family === NETLINK_FAMILY.netfilter) {
    if (from.netfilter < 0) from.netfilter = state.sources.indexOf(from.netns, family);
    return from.netfilter;
  }
  if (from.sockDiag < 0) from.sockDiag = state.sources.indexOf(from.netns, family);
  return from.sockDiag;
}

/** Brings a datagram of the other byte order into ours; false, and counted, when that cannot be. */
function reorder(
  state: DecoderState,
  view: DataView,
  data: number,
  length: number,
  fullLength: number,
  family: number,
): boolean {
  if (!isForeignOrder(view, data, fullLength - LINK_HEADER_BYTES)) {
    state.counts.badPackets++;
    return false;
  }
  if (family !== NETLINK_FAMILY.netfilter) {
    state.counts.foreignOrder++;
    return false;
  }
  swapNetfilter(view, data, length - LINK_HEADER_BYTES);
  return true;
}

/**
 * What a message's own header says of its way (linux/netlink.h): requests carry NLM_F_REQUEST, answers are part of a dump
 * (NLM_F_MULTI) or an acknowledgement (a type below NLMSG_MIN_TYPE), the rest are events.
 */
function messageDirection(view: DataView, data: number): number {
  const flags = view.getUint16(data + NLMSG_OFFSET.flags, LITTLE_ENDIAN);
  if ((flags & NLM_FLAG.request) !== 0) return PACKET.outgoing;
  const answer =
    (flags & NLM_FLAG.multi) !== 0 || view.getUint16(data + NLMSG_OFFSET.type, LITTLE_ENDIAN) < NLMSG_TYPE.minimum;
  return answer ? 0 : PACKET.multicast;
}
