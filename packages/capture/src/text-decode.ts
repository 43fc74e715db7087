/**
 * conntrack's text as a capture: every line becomes the ctnetlink message that the kernel would have sent, so that replay
 * has one path. Lines without an event are a listing, that is a dump; a run of them stands between a dump's begin and end.
 *
 * Time: a line of `-o timestamp` has its own. A line without has that of the line before it plus `stepMs`, the first one
 * `startMs`; the lines of a listing all have one time. With the defaults, a file without times therefore plays at 1 January 1970,
 * a millisecond per event: the same on every run.
 */
import { encodeConntrack, NETLINK_FAMILY } from "@conntrail/netlink";
import { BATCH_PACKETS, PACKET } from "./batch.ts";
import { type CaptureItem, type Decoder, type DecoderState, takeBatch } from "./decoder.ts";
import { ParseError } from "./errors.ts";
import type { DumpRecord } from "./records.ts";
import { addressReader } from "./text-address.ts";
import { parseFlowLine, type TextFlow } from "./text-line.ts";
import { LineFailure } from "./text-tuple.ts";
import type { ReadWindow } from "./window.ts";

/** How text is to be understood. */
export interface TextOptions {
  /** Minutes that the clock in `[start=…]` and `[stop=…]` is ahead of UTC: conntrack prints local time there. */
  readonly utcOffsetMinutes: number;
  /** Inode of the namespace that the text speaks of; 0 = unknown. */
  readonly netns: number;
  /** Unix milliseconds of the first line, if it has no time itself. */
  readonly startMs: number;
  /** Milliseconds from an event without a time to the next. */
  readonly stepMs: number;
  /** Bytes of a line at the most; a longer one is passed over. */
  readonly maxLineBytes: number;
}

/** What is taken when nothing is said. */
export const TEXT_DEFAULTS: TextOptions = {
  netns: 0,
  startMs: 0,
  stepMs: 1,
  utcOffsetMinutes: 0,
  maxLineBytes: 64 * 1024,
};

const NEWLINE = 0x0a;
/** A message made from a line is far below this: two tuples, counters, and a name of a line's length. */
const BLOCK_BYTES = 256 * 1024;

/** A decoder for one text. */
export function textDecoder(state: DecoderState, options: TextOptions): Decoder {
  const { batch, counts } = state;
  const context = { utcOffsetMinutes: options.utcOffsetMinutes, readAddress: addressReader() };
  let block = new Uint8Array(BLOCK_BYTES);
  let used = 0;
  let line = 0;
  let timeMs: number | undefined;
  let listing = false;
  let skipping = false;
  let needed = 1;

  function* decode(window: ReadWindow): Generator<CaptureItem> {
    for (;;) {
      const { bytes, start, end } = window;
      const newline = bytes.subarray(start, end).indexOf(NEWLINE);
      if (newline < 0) break;
      if (skipping) skipping = false;
      else yield* takeLine(bytes, start, newline);
      window.start += newline + 1;
    }
    // A line that does not end: what is there of it is passed over, and so is the rest when it comes.
    const left = window.end - window.start;
    if (skipping || left > options.maxLineBytes) {
      if (!skipping) yield* takeLine(window.bytes, window.start, left);
      skipping = true;
      window.start = window.end;
    }
    needed = window.end - window.start + 1;
    counts.bytes = window.offset;
    yield* flush();
  }

  /** A last line without a newline may have been cut anywhere: within a port, before a flag or a zone. What it says is not known. */
  function* finish(window: ReadWindow): Generator<CaptureItem> {
    if (window.end > window.start && !skipping) refuseUnended(window.bytes, window.start, window.end - window.start);
    window.start = window.end;
    counts.bytes = window.offset;
    yield* flush();
    if (listing) yield* endListing();
  }

  function* takeLine(bytes: Uint8Array, start: number, length: number): Generator<CaptureItem> {
    line++;
    const flow = parse(bytes, start, length);
    if (flow === undefined) return;
    counts.lines++;
    const listed = flow.message.kind === "row";
    if (listing && !listed) yield* endListing();
    if (flow.timeMs !== undefined) timeMs = flow.timeMs;
    else timeMs = timeMs === undefined ? options.startMs : timeMs + (listing ? 0 : options.stepMs);
    if (listed && !listing) yield* beginListing(timeMs);
    if (batch.count === BATCH_PACKETS) yield* flush();
    yield* put(encodeConntrack(flow.message), timeMs, listed);
  }

  function textOf(bytes: Uint8Array, start: number, length: number): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(length, options.maxLineBytes)).toString("utf8");
  }

  function refuseUnended(bytes: Uint8Array, start: number, length: number): void {
    const text = textOf(bytes, start, length);
    line++;
    if (text.trim() === "") {
      counts.skippedLines++;
      return;
    }
    counts.badLines++;
    const place = { line, column: text.length + 1 };
    state.onProblem(new ParseError("cut-off", place, "the text ends before the line does", text));
  }

  function parse(bytes: Uint8Array, start: number, length: number): TextFlow | undefined {
    const text = textOf(bytes, start, length);
    try {
      if (length > options.maxLineBytes) throw new LineFailure("too-long", `more than ${options.maxLineBytes} bytes`);
      const flow = parseFlowLine(text, context);
      if (flow === undefined) counts.skippedLines++;
      return flow;
    } catch (error) {
      if (!(error instanceof LineFailure)) throw error;
      counts.badLines++;
      state.onProblem(new ParseError(error.code, { line, column: (error.at ?? 0) + 1 }, error.message, text));
      return undefined;
    }
  }

  function* put(message: Uint8Array, atMs: number, listed: boolean): Generator<CaptureItem> {
    if (used + message.length > block.length) {
      yield* flush();
      if (message.length > block.length) block = new Uint8Array(message.length);
    }
    const at = batch.count++;
    batch.block = block;
    block.set(message, used);
    batch.offsets[at] = used;
    batch.lengths[at] = message.length;
    batch.timesMs[at] = atMs;
    batch.sources[at] = state.sources.indexOf(options.netns, NETLINK_FAMILY.netfilter);
    batch.flags[at] = listed ? 0 : PACKET.multicast;
    used += message.length;
    counts.packets++;
  }

  function* flush(): Generator<CaptureItem> {
    yield* takeBatch(batch);
    used = 0;
  }

  function* beginListing(atMs: number): Generator<CaptureItem> {
    yield* flush();
    listing = true;
    counts.sidecars++;
    yield dumpRecord("begin", atMs);
  }

  function* endListing(): Generator<CaptureItem> {
    yield* flush();
    listing = false;
    counts.sidecars++;
    yield dumpRecord("end", timeMs ?? options.startMs);
  }

  function dumpRecord(phase: DumpRecord["phase"], atMs: number): DumpRecord {
    const { netns } = options;
    const asked = { netns, family: NETLINK_FAMILY.netfilter, addressFamily: 0, protocol: 0, tellClosed: false };
    return { kind: "dump", timeMs: atMs, phase, ...asked, interrupted: false, error: null };
  }

  return { decode, needed: () => needed, finish };
}
