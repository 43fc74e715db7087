/**
 * The two errors of this package. `ParseError`: a file's text is not what proc(5) says; whoever parses counts it and goes
 * on. `OpError`: the operating system refused to read (EACCES, EMFILE, EIO …). A file that is not there is neither:
 * a process that has just ended is a normal answer, `undefined`.
 */

/** What can be wrong with a file's text. */
export type ParseErrorCode =
  | "truncated" // the text ends before the value does
  | "bad-number" // digits were expected
  | "bad-text"; // another text than the file is known to hold

const QUOTED_LENGTH = 80;

/** Text that cannot be parsed: which file, which column, and the text itself, cut to 80 characters. */
export class ParseError extends Error {
  readonly code: ParseErrorCode;
  /** The file's name below the root, with PID for a process: `PID/stat`. */
  readonly file: string;
  /** The column or field, as proc(5) names it. */
  readonly column: string;
  readonly text: string;

  constructor(code: ParseErrorCode, file: string, column: string, text: string) {
    const quoted = text.slice(0, QUOTED_LENGTH);
    super(`${code}: ${file}: ${column}: got ${JSON.stringify(quoted)}`);
    this.name = "ParseError";
    this.code = code;
    this.file = file;
    this.column = column;
    this.text = quoted;
  }
}

/** True for a ParseError, also one of another copy of this package. */
export function isParseError(value: unknown): value is ParseError {
  return value instanceof Error && value.name === "ParseError" && "file" in value && "column" in value;
}

/** Reading that the system refused. `errno` is the C identifier: `EACCES`, `EMFILE`, … */
export class OpError extends Error {
  /** What was tried: `open`, `read`, `readlink`, … */
  readonly op: string;
  readonly errno: string;

  constructor(op: string, errno: string, path: string, cause: unknown) {
    super(`${op}: ${errno}: ${path}`, { cause });
    this.name = "OpError";
    this.op = op;
    this.errno = errno;
  }
}

/** True when reading was refused for want of permission: EACCES or EPERM. */
export function isNotPermitted(value: unknown): boolean {
  const { errno } = value as { errno?: unknown };
  return value instanceof Error && (errno === "EACCES" || errno === "EPERM");
}
