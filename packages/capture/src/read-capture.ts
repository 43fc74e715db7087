/**
 * Reads a capture, whatever its format: pcapng, classic pcap, conntrack's text, each plain or in gzip.
 *
 * Reading starts with the first item that is asked for and ends with the file, with an error, or when the consumer stops
 * iterating; the file is closed in each case. Nothing is read ahead of a slow consumer. Memory is bounded by `windowBytes`
 * and, for a single block, `maxBlockBytes`.
 */
import { type CaptureSource, openBatch, sourceTable } from "./batch.ts";
import { type ByteSource, chunkSource, filesSource, prepend } from "./byte-source.ts";
import { type CaptureCounts, noCounts } from "./counts.ts";
import { type CaptureItem, captureError, type Decoder, type DecoderState } from "./decoder.ts";
import { type CaptureFormat, detectFormat, HEAD_BYTES, unreadFormat } from "./detect-format.ts";
import type { ParseError } from "./errors.ts";
import { gunzipSource, isInflateError } from "./gunzip.ts";
import { pcapDecoder } from "./pcap-decode.ts";
import { pcapngDecoder } from "./pcapng-decode.ts";
import { MAX_BLOCK_BYTES } from "./pcapng-encode.ts";
import { TEXT_DEFAULTS, type TextOptions, textDecoder } from "./text-decode.ts";
import { ReadWindow } from "./window.ts";

/** How to read. */
export interface ReadOptions {
  /** Longest block, packet or sidecar payload; what claims to be longer is an error. */
  readonly maxBlockBytes?: number;
  /** Memory that the file is read into. */
  readonly windowBytes?: number;
  /** For conntrack's text. */
  readonly text?: Partial<TextOptions>;
  /** Told of every line of text that could not be read; such lines are counted in any case. */
  readonly onProblem?: (problem: ParseError) => void;
  /** Ends the reading of a pipe as if it ended there. */
  readonly signal?: AbortSignal;
}

/** What is taken when nothing is said. */
const DEFAULTS = { maxBlockBytes: MAX_BLOCK_BYTES, windowBytes: 512 * 1024 } as const;

/**
 * A capture being read. Iterate it once. Throws CaptureError after the last readable item, OpError when the system refuses to open or
 * read the file.
 */
export interface CaptureReader extends AsyncIterable<CaptureItem> {
  /** What `PacketBatch.sources` points into. Grows while the capture is read. */
  readonly sources: readonly CaptureSource[];
  /** What was read and left out so far. */
  readonly counts: Readonly<CaptureCounts>;
  /** Known from the first item on: the format, inside gzip if that is what the file is. */
  readonly format: CaptureFormat | undefined;
}

/** Where a capture is: a file or pipe, files that are one recording in their order, or chunks of bytes from elsewhere. */
export type CaptureInput = string | readonly string[] | AsyncIterable<Uint8Array>;

/** Reads a capture. */
export function readCapture(input: CaptureInput, options: ReadOptions = {}): CaptureReader {
  const sources = sourceTable();
  const counts = noCounts();
  const state: DecoderState = {
    counts,
    sources,
    batch: openBatch(),
    maxBlockBytes: options.maxBlockBytes ?? DEFAULTS.maxBlockBytes,
    onProblem: options.onProblem ?? (() => {}),
  };
  const reading = { format: undefined as CaptureFormat | undefined };
  const paths = typeof input === "string" ? [input] : isPaths(input) ? input : undefined;
  const source =
    paths === undefined ? chunkSource(input as AsyncIterable<Uint8Array>) : filesSource(paths, options.signal);
  return {
    sources: sources.list,
    counts,
    get format() {
      return reading.format;
    },
    [Symbol.asyncIterator]: () => read(source, state, options, reading),
  };
}

function isPaths(input: CaptureInput): input is readonly string[] {
  return Array.isArray(input);
}

async function* read(
  file: ByteSource,
  state: DecoderState,
  options: ReadOptions,
  reading: { format: CaptureFormat | undefined },
): AsyncGenerator<CaptureItem, void, undefined> {
  let source = file;
  const windowBytes = Math.max(options.windowBytes ?? DEFAULTS.windowBytes, HEAD_BYTES);
  let window = new ReadWindow(source, windowBytes);
  try {
    await window.fill(HEAD_BYTES);
    if (window.end === 0 && options.signal?.aborted === true) return;
    if (window.end === 0) throw captureError(state, "empty", 0, "no bytes");
    reading.format = detectFormat(window.bytes.subarray(0, window.end));
    if (reading.format === "gzip") {
      source = gunzipSource(prepend(window.bytes.subarray(0, window.end), file));
      window = new ReadWindow(source, windowBytes);
      reading.format = await formatInside(window);
      if (window.end === 0) throw captureError(state, "empty", 0, "no bytes inside gzip");
    }
    const decoder = decoderFor(reading.format, state, options, window);
    do yield* decoder.decode(window);
    while (await window.fill(decoder.needed()));
    yield* decoder.finish(window);
  } catch (error) {
    if (!isInflateError(error)) throw error;
    const code = error.code === "Z_BUF_ERROR" ? "truncated" : "corrupt";
    throw captureError(state, code, window.base + window.end, `gzip: ${error.message}`, error);
  } finally {
    await source.close();
  }
}

/** The format inside gzip. What can be read before an error in the compressed bytes is enough to tell; the error comes again. */
async function formatInside(window: ReadWindow): Promise<CaptureFormat> {
  try {
    await window.fill(HEAD_BYTES);
  } catch (error) {
    if (!isInflateError(error) || window.end === 0) throw error;
  }
  return detectFormat(window.bytes.subarray(0, window.end));
}

function decoderFor(format: CaptureFormat, state: DecoderState, options: ReadOptions, window: ReadWindow): Decoder {
  switch (format) {
    case "pcapng":
      return pcapngDecoder(state);
    case "pcap":
      return pcapDecoder(state);
    case "conntrack text":
    case "proc text":
      return textDecoder(state, { ...TEXT_DEFAULTS, ...options.text });
    case "gzip":
    case "unknown": {
      const other = unreadFormat(window.bytes.subarray(window.start, window.end));
      const wanted = "expected pcapng, pcap, or text of conntrack or /proc/net/nf_conntrack";
      throw captureError(
        state,
        other === undefined ? "not-a-capture" : "unsupported",
        0,
        `${wanted}${other ? `, got ${other}` : ""}`,
      );
    }
  }
}
