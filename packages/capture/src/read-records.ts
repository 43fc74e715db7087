/** A capture as one record after the other: for whoever reads few of them. Replay takes the batches instead. */
import { PACKET, type PacketBatch } from "./batch.ts";
import type { CaptureReader } from "./read-capture.ts";
import type { CaptureRecord, NetlinkRecord } from "./records.ts";

/** The records of a capture in its order. Bytes are copies. Ends and fails as the reader does. */
export async function* readRecords(reader: CaptureReader): AsyncGenerator<CaptureRecord, void, undefined> {
  for await (const item of reader) {
    if (item.kind !== "packets") yield item;
    else for (let i = 0; i < item.count; i++) yield packetRecord(reader, item, i);
  }
}

/** Packet `i` of a batch as a record. Its bytes are a copy. */
export function packetRecord(reader: CaptureReader, batch: PacketBatch, i: number): NetlinkRecord {
  const { netns, family } = reader.sources[batch.sources[i]!]!;
  const flags = batch.flags[i]!;
  const offset = batch.offsets[i]!;
  return {
    kind: "netlink",
    timeMs: batch.timesMs[i]!,
    netns,
    family,
    outgoing: (flags & PACKET.outgoing) !== 0,
    multicast: (flags & PACKET.multicast) !== 0,
    bytes: batch.block.slice(offset, offset + batch.lengths[i]!),
  };
}
