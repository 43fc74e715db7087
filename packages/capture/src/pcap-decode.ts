/** Classic pcap of LINKTYPE_NETLINK, microseconds and nanoseconds, both byte orders (pcap-savefile(5)): what tcpdump makes of an nlmon interface. */
import { BATCH_PACKETS } from "./batch.ts";
import { type CaptureItem, captureError, type Decoder, type DecoderState, takeBatch } from "./decoder.ts";
import { LINKTYPE_NETLINK, PCAP_MAGIC } from "./enums.ts";
import { type CaptureInterface, takePacket } from "./intake.ts";
import { expectedLinkType } from "./pcapng-decode.ts";
import type { ReadWindow } from "./window.ts";

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** A decoder for one file. The namespace of its packets is unknown: nlmon sees that of whoever captured. */
export function pcapDecoder(state: DecoderState): Decoder {
  const { batch, counts } = state;
  const from: CaptureInterface = { netns: 0, netfilter: -1, sockDiag: -1 };
  let little = true;
  let begun = false;
  let nanos = false;
  let needed = FILE_HEADER_BYTES;

  function* decode(window: ReadWindow): Generator<CaptureItem> {
    try {
      if (!begun && !takeFileHeader(window)) return;
      for (;;) {
        if (batch.count === BATCH_PACKETS) yield* takeBatch(batch);
        batch.block = window.bytes;
        if (!takeRecord(window)) break;
      }
    } catch (error) {
      yield* takeBatch(batch);
      throw error;
    }
    yield* takeBatch(batch);
  }

  function takeFileHeader(window: ReadWindow): boolean {
    const { view, start } = window;
    if (window.end - start < FILE_HEADER_BYTES) return false;
    little = view.getUint32(start, true) === PCAP_MAGIC.micros || view.getUint32(start, true) === PCAP_MAGIC.nanos;
    nanos = view.getUint32(start, little) === PCAP_MAGIC.nanos;
    const major = view.getUint16(start + 4, little);
    if (major !== 2) throw captureError(state, "unsupported", window.offset, `pcap version ${major}`);
    const linkType = view.getUint32(start + 20, little) & 0xffff; // the upper half tells of frame check sequences
    if (linkType !== LINKTYPE_NETLINK) throw captureError(state, "wrong-link-type", 20, expectedLinkType(linkType));
    begun = true;
    window.start += FILE_HEADER_BYTES;
    counts.bytes = window.offset;
    return true;
  }

  function takeRecord(window: ReadWindow): boolean {
    const { view, start, end } = window;
    needed = RECORD_HEADER_BYTES;
    if (end - start < RECORD_HEADER_BYTES) return false;
    const captured = view.getUint32(start + 8, little);
    if (captured > state.maxBlockBytes) {
      const facts = `packet of ${captured} bytes, the limit is ${state.maxBlockBytes}`;
      throw captureError(state, "too-long", window.offset, facts);
    }
    needed = RECORD_HEADER_BYTES + captured;
    if (end - start < needed) return false;
    const timeMs = time(view.getUint32(start, little), view.getUint32(start + 4, little));
    const full = view.getUint32(start + 12, little);
    takePacket(state, from, view, start + RECORD_HEADER_BYTES, captured, full, timeMs, undefined);
    window.start += needed;
    counts.bytes = window.offset;
    return true;
  }

  /** Microseconds since 1970 fit into a double, nanoseconds do not. */
  function time(seconds: number, fraction: number): number {
    return nanos ? seconds * 1000 + fraction / 1e6 : (seconds * 1e6 + fraction) / 1000;
  }

  function finish(window: ReadWindow): [] {
    const left = window.end - window.start;
    if (left === 0 && begun) return [];
    const what = begun ? "a packet" : "the file header";
    throw captureError(state, "truncated", window.offset, `${left} of ${needed} bytes of ${what}`);
  }

  return { decode, needed: () => needed, finish };
}
