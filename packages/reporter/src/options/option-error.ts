/** What is said when an option cannot be meant: which one, as its caller wrote it, what would do, and what was given. */

/** A TypeError or RangeError about an option. */
export interface OptionError extends Error {
  readonly name: "TypeError" | "RangeError";
  /** The option's name, with the way to it: `record.path`, `nameServers[1]`. */
  readonly option: string;
  /** What would do, in words: `a whole number from 1 to 1000`. */
  readonly expected: string;
  /** What was given, in words; `undefined` where the option itself does not exist. */
  readonly received: string | undefined;
}

/** The error for a value of another type. */
export function wrongType(option: string, expected: string, value: unknown): OptionError {
  return complete(new TypeError(text(option, expected, value)), option, expected, inWords(value));
}

/** The error for a value of the right type that cannot be meant. */
export function outOfRange(option: string, expected: string, value: unknown): OptionError {
  return complete(new RangeError(text(option, expected, value)), option, expected, inWords(value));
}

/** The error for a name that is no option's. `nearest` is the name that may have been meant. */
export function noSuchOption(option: string, nearest: string): OptionError {
  const expected = `did you mean "${nearest}"?`;
  return complete(new TypeError(`${option}: there is no such option; ${expected}`), option, expected, undefined);
}

/** True for an error about an option, also for one of another copy of this package. */
export function isOptionError(error: unknown): error is OptionError {
  return (error instanceof TypeError || error instanceof RangeError) && "option" in error && "expected" in error;
}

function complete(error: Error, option: string, expected: string, received: string | undefined): OptionError {
  return Object.assign(error, { option, expected, received }) as OptionError;
}

function text(option: string, expected: string, value: unknown): string {
  return `${option}: expected ${expected}, got ${inWords(value)}`;
}

/** Longer strings are cut. */
const MOST_CHARACTERS = 60;

function inWords(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value);
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
