/** What can go wrong with a store, told apart by who must act. Codes of ClickHouse: src/Common/ErrorCodes.cpp there. */

/**
 * - `unreachable`: no answer, or not in time; tried again
 * - `refused`: wrong user, password, or no right to this table
 * - `schema`: the tables are missing or older than this program: `conntrail store migrate`
 * - `chdb-missing`: `chdb:` was asked for and the package is not installed
 * - `spool`: the spool's folder cannot be written
 * - `rejected`: the server understood and said no
 */
export type StoreErrorCode = "unreachable" | "refused" | "schema" | "chdb-missing" | "spool" | "rejected";

/** An error of the store. `code` says who must act; the message says what would help. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.code = code;
  }
}

/** True for a `StoreError`, by its shape. */
export function isStoreError(error: unknown): error is StoreError {
  return error instanceof Error && error.name === "StoreError" && "code" in error;
}

/** Turns whatever the client threw into a `StoreError`. */
export function toStoreError(error: unknown): StoreError {
  if (isStoreError(error)) return error;
  const thrown = (error ?? {}) as {
    readonly code?: unknown;
    readonly clickhouseCode?: unknown;
    readonly message?: string;
  };
  // The embedded engine's own errors have the server's code beside one of theirs.
  const { clickhouseCode, message = String(error) } = thrown;
  const own = clickhouseCode === undefined ? thrown.code : String(clickhouseCode);
  // A server older than the header with the code, or a proxy that drops it: the text has it, too.
  const code = /^[0-9]+$/.test(String(own)) ? own : (/^Code: (\d+)/.exec(message)?.[1] ?? own);
  const line = message.split("\n")[0]!.slice(0, 300);
  if (REFUSALS.has(String(code)))
    return new StoreError("refused", `${line} (check the user, the password, its grants)`, error);
  if (SCHEMA_FAULTS.has(String(code))) return new StoreError("schema", `${line} (run: conntrail store migrate)`, error);
  if (typeof code === "string" && /^[0-9]+$/.test(code)) return new StoreError("rejected", line, error);
  return new StoreError("unreachable", line, error);
}

/** True when the same batch may succeed later without anybody's doing. */
export function isPassing(error: StoreError): boolean {
  return error.code === "unreachable";
}

const REFUSALS = new Set([
  "192", // UNKNOWN_USER
  "193", // WRONG_PASSWORD
  "194", // REQUIRED_PASSWORD
  "497", // ACCESS_DENIED
  "516", // AUTHENTICATION_FAILED
]);

const SCHEMA_FAULTS = new Set([
  "16", // NO_SUCH_COLUMN_IN_TABLE
  "46", // UNKNOWN_FUNCTION: a view with parameters that is not there
  "60", // UNKNOWN_TABLE
  "81", // UNKNOWN_DATABASE
  "117", // INCORRECT_DATA: a column in the header that the table lacks
]);
