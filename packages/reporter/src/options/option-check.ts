/**
 * What an option may be, as functions that throw an OptionError when it is not. A value that is `undefined` was not said, and is never asked about.
 * No schema library does it: the limits are needed as numbers as well, for `--help` and the types' documentation (decision D-35).
 */
import { closest } from "fastest-levenshtein";
import { noSuchOption, outOfRange, wrongType } from "./option-error.ts";

/** Throws an OptionError about `name` unless `value` can be meant. */
export type OptionCheck = (name: string, value: unknown) => void;

/** A check for each member of `T`. */
export type OptionChecks<T> = { readonly [K in keyof Required<T>]: OptionCheck };

/** The bounds of a number. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Checks every member of `given`. Throws an OptionError for the first that is not one of `checks` or does not pass it. `path` goes before each name. */
export function checkOptions<T>(checks: OptionChecks<T>, given: unknown, path: string): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw wrongType(path === "" ? "options" : path.slice(0, -1), "an object", given);
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(checks, name)) throw noSuchOption(path + name, closest(name, Object.keys(checks)));
    checks[name as keyof T](path + name, value);
  }
}

/** Every name of `checks` is allowed inside. */
export const objectOf =
  <T>(checks: OptionChecks<T>): OptionCheck =>
  (name, value) =>
    checkOptions(checks, value, `${name}.`);

/** True or false, and nothing that is like it. */
export const flag: OptionCheck = (name, value) => {
  if (typeof value !== "boolean") throw wrongType(name, "true or false", value);
};

/** A number of things. */
export const whole = (bounds: Bounds, unit = ""): OptionCheck => number(bounds, "a whole number", unit, true);

/** A number of anything, not necessarily whole. */
export const amount = (bounds: Bounds, unit = ""): OptionCheck => number(bounds, "a number", unit, false);

/** Milliseconds. With `orZero` also 0, which means none. */
export function milliseconds(bounds: Bounds, orZero = false): OptionCheck {
  const check = number(bounds, orZero ? "0, or a number of milliseconds" : "a number of milliseconds", "", false);
  return (name, value) => {
    if (!(orZero && value === 0)) check(name, value);
  };
}

/** One of a list of words. */
export const oneOf =
  (words: readonly string[]): OptionCheck =>
  (name, value) => {
    const expected = `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`;
    if (typeof value !== "string") throw wrongType(name, expected, value);
    if (!words.includes(value)) throw outOfRange(name, `${expected} (did you mean "${closest(value, words)}"?)`, value);
  };

/** Text for which `isMeant` is true. */
export const text =
  (expected: string, isMeant: (value: string) => boolean = (value) => value !== ""): OptionCheck =>
  (name, value) => {
    if (typeof value !== "string") throw wrongType(name, expected, value);
    if (!isMeant(value)) throw outOfRange(name, expected, value);
  };

/** An array of what passes `item`. */
export const listOf =
  (expected: string, item: OptionCheck): OptionCheck =>
  (name, value) => {
    if (!Array.isArray(value)) throw wrongType(name, expected, value);
    for (const [i, each] of value.entries()) item(`${name}[${i}]`, each);
  };

/** A value of one of several types, each with its own check. */
export const either =
  (expected: string, byType: Readonly<Partial<Record<"number" | "string" | "object", OptionCheck>>>): OptionCheck =>
  (name, value) => {
    const check = value === null ? undefined : byType[typeof value as keyof typeof byType];
    if (check === undefined) throw wrongType(name, expected, value);
    check(name, value);
  };

/** Something of which only one thing needs to be known: that it has these methods. */
export const havingMethods =
  (expected: string, ...methods: readonly string[]): OptionCheck =>
  (name, value) => {
    const has = (method: string): boolean => typeof (value as Record<string, unknown>)[method] === "function";
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    if (!isObject || !methods.every(has)) throw wrongType(name, expected, value);
  };

/** A function. */
export const callback: OptionCheck = (name, value) => {
  if (typeof value !== "function") throw wrongType(name, "a function", value);
};

function number({ least, most }: Bounds, kind: string, unit: string, isWhole: boolean): OptionCheck {
  const expected = `${kind} from ${least} to ${most}${unit === "" ? "" : ` ${unit}`}`;
  return (name, value) => {
    if (typeof value !== "number") throw wrongType(name, expected, value);
    if (!(value >= least && value <= most) || (isWhole && !Number.isInteger(value))) {
      throw outOfRange(name, expected, value);
    }
  };
}
