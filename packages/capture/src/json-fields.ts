/** Checks on values that came out of JSON.parse: a file may have been written by anybody (RFC 8259). */

/** What a field may hold, by name. `u32` is a whole number below 2^32, `number` any finite one; `?` also allows null. */
interface FieldTypes {
  readonly string: string;
  readonly "string?": string | null;
  readonly number: number;
  readonly "number?": number | null;
  readonly u32: number;
  readonly u32s: number[];
  readonly texts: string[];
  readonly boolean: boolean;
  readonly object: Record<string, unknown>;
  readonly "object?": Record<string, unknown> | null;
  readonly list: unknown[];
}

type FieldType = keyof FieldTypes;

const CHECKS: { readonly [T in FieldType]: (value: unknown) => boolean } = {
  string: (value) => typeof value === "string",
  "string?": (value) => value === null || typeof value === "string",
  number: Number.isFinite,
  "number?": (value) => value === null || Number.isFinite(value),
  u32: isU32,
  u32s: (value) => Array.isArray(value) && value.every(isU32),
  texts: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  boolean: (value) => typeof value === "boolean",
  object: isObject,
  "object?": (value) => value === null || isObject(value),
  list: Array.isArray,
};

/** True when `value` is an object that has all of `fields`, each of its type. Further fields are allowed: a newer version may have them. */
export function hasFields<const F extends Readonly<Record<string, FieldType>>>(
  value: unknown,
  fields: F,
): value is { readonly [K in keyof F]: FieldTypes[F[K]] } {
  if (!isObject(value)) return false;
  for (const name in fields) {
    if (!Object.hasOwn(value, name) || !CHECKS[fields[name]!](value[name])) return false;
  }
  return true;
}

/** True for `{…}`: neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every item of a list parsed; `undefined` when it is no list or one item is not what it should be. */
export function parseAll<T>(value: unknown, parse: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: T[] = [];
  for (const item of value) {
    const parsed = parse(item);
    if (parsed === undefined) return undefined;
    items.push(parsed);
  }
  return items;
}

function isU32(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
