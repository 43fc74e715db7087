/**
 * The two errors of this package. `DecodeError`: the bytes are not what the kernel's headers say; whoever decodes counts
 * it and goes on. `OpError`: the operating system refused an operation; it ends the source that asked.
 */

/** What can be wrong with bytes. */
export type DecodeErrorCode =
  | "truncated" // the bytes end before the value does
  | "bad-length" // a length field contradicts what holds it, or the value's own width
  | "missing-attribute" // something without which the message means nothing
  | "unexpected-message"; // another message than the decoder is for

/** Bytes that cannot be decoded: where, and what was expected instead. `path` names attributes outside-in. */
export class DecodeError extends Error {
  readonly code: DecodeErrorCode;
  /** Byte offset inside the block that was decoded. */
  readonly offset: number;
  /** Attributes from the outermost to the one at fault, joined by `: `; empty at the top. */
  readonly path: string;

  constructor(code: DecodeErrorCode, offset: number, path: string, facts: string) {
    super(`${code}: ${path === "" ? "" : `${path}: `}${facts}`);
    this.name = "DecodeError";
    this.code = code;
    this.offset = offset;
    this.path = path;
  }
}

/** True for a DecodeError, also one of another copy of this package. */
export function isDecodeError(value: unknown): value is DecodeError {
  return value instanceof Error && value.name === "DecodeError" && "offset" in value && "path" in value;
}

/** An operation that the system refused. `errno` is the C identifier: `EPERM`, `ENOBUFS`, … */
export class OpError extends Error {
  /** What was tried: `socket`, `bind`, `setns`, … */
  readonly op: string;
  readonly errno: string;

  constructor(op: string, errno: string, options: { readonly detail?: string; readonly cause?: unknown } = {}) {
    super(
      `${op}: ${errno}${options.detail ? `: ${options.detail}` : ""}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "OpError";
    this.op = op;
    this.errno = errno;
  }
}

/** True for an OpError, also one of another copy of this package. */
export function isOpError(value: unknown): value is OpError {
  return value instanceof Error && value.name === "OpError" && "op" in value && "errno" in value;
}
