/** What the decoders of the file formats have in common. */
import type { OpenBatch, PacketBatch, SourceTable } from "./batch.ts";
import type { CaptureCounts } from "./counts.ts";
import { CaptureError, type CaptureErrorCode, type ParseError } from "./errors.ts";
import type { SidecarRecord } from "./records.ts";
import type { ReadWindow } from "./window.ts";

/** What comes out of a capture: packets in batches, and between them what is not netlink, in the order of the file. */
export type CaptureItem = PacketBatch | SidecarRecord;

/** A format's decoder. */
export interface Decoder {
  /** Takes whole pieces from the window's front until there are none, and hands out what they hold. Throws CaptureError after what came before was handed out. */
  decode(window: ReadWindow): Iterable<CaptureItem>;
  /** Bytes that must be in the window for `decode` to get further. Never more than the limits allow. */
  needed(): number;
  /** The source has ended and the window holds less than was needed: what is left is handed out, or is an error. */
  finish(window: ReadWindow): Iterable<CaptureItem>;
}

/** What a decoder works on. */
export interface DecoderState {
  readonly counts: CaptureCounts;
  readonly sources: SourceTable;
  readonly batch: OpenBatch;
  readonly maxBlockBytes: number;
  /** Told of every line of text that could not be read. */
  readonly onProblem: (problem: ParseError) => void;
}

/** The error for a place in a file, with what was counted so far. */
export function captureError(
  state: DecoderState,
  code: CaptureErrorCode,
  offset: number,
  facts: string,
  cause?: unknown,
): CaptureError {
  return new CaptureError(code, offset, facts, { ...state.counts }, cause);
}

/** Hands out the open batch if it holds anything, and opens it again. */
export function* takeBatch(batch: OpenBatch): Generator<PacketBatch> {
  if (batch.count === 0) return;
  yield batch;
  batch.count = 0;
}
