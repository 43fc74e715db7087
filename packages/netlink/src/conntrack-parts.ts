/** The smaller nested attributes of a conntrack message: CTA_COUNTERS_*, CTA_TIMESTAMP, CTA_HELP. Source: net/netfilter/nf_conntrack_netlink.c. */
import type { AttributeCursor } from "./attribute.ts";
import type { ConntrackCounters, ConntrackHelper } from "./conntrack-message.ts";
import type { MessageWriter } from "./message-writer.ts";
import { CTA, CTA_COUNTERS, CTA_HELP, CTA_TIMESTAMP } from "./nfnetlink-conntrack-enum.ts";

/** Decodes the attributes inside CTA_COUNTERS_ORIG or CTA_COUNTERS_REPLY, 64 or 32 bits wide; `undefined` unless both are there. */
export function decodeCounters(at: AttributeCursor): ConntrackCounters | undefined {
  let packets: bigint | undefined;
  let bytes: bigint | undefined;
  let packets32: bigint | undefined;
  let bytes32: bigint | undefined;
  while (at.next()) {
    switch (at.type) {
      case CTA_COUNTERS.packets:
        packets = at.u64be("packets");
        break;
      case CTA_COUNTERS.bytes:
        bytes = at.u64be("bytes");
        break;
      case CTA_COUNTERS.packets32:
        packets32 = BigInt(at.u32be("packets"));
        break;
      case CTA_COUNTERS.bytes32:
        bytes32 = BigInt(at.u32be("bytes"));
        break;
    }
  }
  packets ??= packets32;
  bytes ??= bytes32;
  return packets === undefined || bytes === undefined ? undefined : { packets, bytes };
}

/** Writes counters as attribute `type`, 64 bits wide. */
export function encodeCounters(writer: MessageWriter, type: number, counters: ConntrackCounters): void {
  const outer = writer.beginNested(type);
  writer.u64be(CTA_COUNTERS.packets, counters.packets);
  writer.u64be(CTA_COUNTERS.bytes, counters.bytes);
  writer.endNested(outer);
}

/** Start and stop of an entry, nanoseconds since 1970. */
interface Timestamps {
  startNs?: bigint;
  stopNs?: bigint;
}

/** Decodes the attributes inside CTA_TIMESTAMP. */
export function decodeTimestamps(at: AttributeCursor): Timestamps {
  const timestamps: Timestamps = {};
  while (at.next()) {
    switch (at.type) {
      case CTA_TIMESTAMP.start:
        timestamps.startNs = at.u64be("start");
        break;
      case CTA_TIMESTAMP.stop:
        timestamps.stopNs = at.u64be("stop");
        break;
    }
  }
  return timestamps;
}

/** Writes CTA_TIMESTAMP. */
export function encodeTimestamps(writer: MessageWriter, timestamps: Readonly<Timestamps>): void {
  const outer = writer.beginNested(CTA.timestamp);
  if (timestamps.startNs !== undefined) writer.u64be(CTA_TIMESTAMP.start, timestamps.startNs);
  if (timestamps.stopNs !== undefined) writer.u64be(CTA_TIMESTAMP.stop, timestamps.stopNs);
  writer.endNested(outer);
}

/** Decodes the attributes inside CTA_HELP; `undefined` without a name. */
export function decodeHelper(at: AttributeCursor): ConntrackHelper | undefined {
  let name: string | undefined;
  let info: Uint8Array | undefined;
  while (at.next()) {
    switch (at.type) {
      case CTA_HELP.name:
        name = at.text();
        break;
      case CTA_HELP.info:
        info = at.copy();
        break;
    }
  }
  if (name === undefined) return undefined;
  return info === undefined ? { name } : { name, info };
}

/** Writes CTA_HELP. */
export function encodeHelper(writer: MessageWriter, helper: ConntrackHelper): void {
  const outer = writer.beginNested(CTA.help);
  writer.text(CTA_HELP.name, helper.name);
  if (helper.info !== undefined) writer.bytesOf(CTA_HELP.info, helper.info);
  writer.endNested(outer);
}
