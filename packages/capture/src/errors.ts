/** How a capture can be bad, and how a line of text can. */
import type { CaptureCounts } from "./counts.ts";

/**
 * - `empty`: no bytes at all; `not-a-capture`: no format that is read here
 * - `unsupported`: a format or version that is known and not read
 * - `wrong-link-type`: a capture of something else than netlink
 * - `truncated`: the file ends inside a block, a packet or a gzip member
 * - `corrupt`: lengths or references that contradict one another
 * - `too-long`: a length beyond the limit
 */
export type CaptureErrorCode =
  | "empty"
  | "not-a-capture"
  | "unsupported"
  | "wrong-link-type"
  | "truncated"
  | "corrupt"
  | "too-long";

/**
 * Ends the reading of a capture, after everything readable before it was handed out. `offset` is that of the block or
 * packet it happened in, counted in uncompressed bytes; `counts` says what was read before.
 */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  readonly code: CaptureErrorCode;
  readonly offset: number;
  readonly counts: CaptureCounts;

  constructor(code: CaptureErrorCode, offset: number, facts: string, counts: CaptureCounts, cause?: unknown) {
    super(`${code}: at byte ${offset}: ${facts}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.offset = offset;
    this.counts = counts;
  }
}

/** True for a CaptureError, also for one of another copy of this package. */
export function isCaptureError(error: unknown): error is CaptureError {
  return error instanceof Error && error.name === "CaptureError" && "offset" in error;
}

/** What is wrong with a line of text. */
export type LineErrorCode = "bad-line" | "bad-number" | "bad-address" | "missing-field" | "too-long" | "cut-off";

/** A line that could not be read: counted, left out, never the end of a stream. `line` and `column` count from 1, `text` is its start. */
export class ParseError extends Error {
  override readonly name = "ParseError";
  readonly code: LineErrorCode;
  readonly line: number;
  /** Where in the line: the word at fault, or the end where something is missing. */
  readonly column: number;
  readonly text: string;

  constructor(
    code: LineErrorCode,
    place: { readonly line: number; readonly column: number },
    facts: string,
    text: string,
  ) {
    const { line, column } = place;
    super(`${code}: line ${line}, column ${column}: ${facts}: ${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}`);
    this.code = code;
    this.line = line;
    this.column = column;
    this.text = text.slice(0, SHOWN_CHARACTERS);
  }
}

const SHOWN_CHARACTERS = 200;
