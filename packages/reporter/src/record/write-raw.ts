/** A chunk of the ingest's input as records of a capture: what `RAW` names becomes netlink, or a record beside it. */
import type { CaptureWriter } from "@conntrail/capture";
import { RAW, type RawChunk } from "@conntrail/ingest";
import { NETLINK_FAMILY } from "@conntrail/netlink";

const family = NETLINK_FAMILY.netfilter;

/** Writes every record of the chunk. */
export function writeRaw(writer: CaptureWriter, chunk: RawChunk): void {
  for (let i = 0; i < chunk.count; i++) {
    if (chunk.what[i] === RAW.event) writePacket(writer, chunk, i, false, true);
    else writeOther(writer, chunk, i);
  }
}

function writePacket(writer: CaptureWriter, chunk: RawChunk, i: number, outgoing: boolean, multicast: boolean): void {
  const facts = { timeMs: chunk.timesMs[i]!, netns: chunk.netns[i]!, family, outgoing, multicast };
  writer.writeDatagram(facts, chunk.bytes, chunk.offsets[i]!, chunk.lengths[i]!);
}

function writeOther(writer: CaptureWriter, chunk: RawChunk, i: number): void {
  const netns = chunk.netns[i]!;
  const timeMs = chunk.timesMs[i]!;
  const detail = chunk.detail[i]!;
  const dump = { kind: "dump", timeMs, netns, family, addressFamily: 0, protocol: 0, error: null } as const;
  switch (chunk.what[i]!) {
    case RAW.dumpBegin:
      writer.write({ ...dump, phase: "begin", tellClosed: detail === 1, interrupted: false });
      if (chunk.lengths[i]! > 0) writePacket(writer, chunk, i, true, false);
      break;
    case RAW.dumpRows:
      writePacket(writer, chunk, i, false, false);
      break;
    case RAW.dumpEnd:
      writer.write({ ...dump, phase: "end", tellClosed: false, interrupted: detail === 1 });
      break;
    case RAW.overrun: {
      const count = detail === 0 ? null : detail;
      writer.write({ kind: "loss", timeMs, cause: "overrun", netns, family, sinceMs: timeMs, count });
      break;
    }
    case RAW.emptied:
      writer.write({ kind: "emptied", timeMs, netns });
      break;
    case RAW.release:
      writer.write({ kind: "released", timeMs, netns });
      break;
  }
}
