/**
 * Errors as data. The structured clone of an Error keeps its message, stack and cause but loses its class and its own
 * fields, so an error that crosses a thread does it as a `Failure` and is rebuilt on the other side. The rebuilt error
 * has the name and the fields of the first one, not its class: guards must look at the shape.
 */

/** An error as plain data. `kind` is the error's name (`OpError`, `DecodeError`, `TypeError` …). */
export interface Failure extends Readonly<Partial<Record<FailureField, string | number>>> {
  readonly kind: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: Failure;
}

/** The fields by which the errors of this house, and Node's system errors, are recognised. */
const FIELDS = ["code", "op", "errno", "offset", "path", "syscall"] as const;
type FailureField = (typeof FIELDS)[number];

/** A chain of causes longer than this is cut: it may be a ring. */
const MAX_CAUSES = 8;

/** Turns whatever was thrown into data. Never throws; what is not an Error becomes the kind `NonError`. */
export function toFailure(thrown: unknown, causesLeft: number = MAX_CAUSES): Failure {
  if (!(thrown instanceof Error)) return { kind: "NonError", message: asText(thrown) };
  const fields: { -readonly [K in FailureField]?: string | number } = {};
  for (const field of FIELDS) {
    const value = (thrown as unknown as Record<string, unknown>)[field];
    if (typeof value === "string" || typeof value === "number") fields[field] = value;
  }
  return {
    ...fields,
    kind: thrown.name,
    message: thrown.message,
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...(thrown.cause === undefined || causesLeft === 0 ? {} : { cause: toFailure(thrown.cause, causesLeft - 1) }),
  };
}

/** Rebuilds the error: its name, message, stack and cause, and the fields as own properties. */
export function fromFailure(failure: Failure): Error {
  const { kind, message, stack, cause, ...fields } = failure;
  const error = cause === undefined ? new Error(message) : new Error(message, { cause: fromFailure(cause) });
  Object.defineProperty(error, "name", { value: kind, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, fields);
}

function asText(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return "a value without a text form"; // an object without a prototype, or one whose toString throws
  }
}
