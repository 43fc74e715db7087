/** What a field can hold, and how two values compare. A member that is missing is null, and so is every member of null. */

/** A value of a row or of an expression. Times are ISO 8601 in UTC, addresses their text. */
export type Value = string | number | boolean | null | readonly string[];

/** What a field holds: `part` is an object, of which one can only ask whether it is there. */
export type Kind = "text" | "number" | "flag" | "texts" | "time" | "address" | "part";

/** True when a stands before b: numbers and texts among themselves. With null, or of different kinds, nothing stands before anything. */
export function isLess(a: Value, b: Value): boolean {
  if (typeof a === "number" && typeof b === "number") return a < b;
  return typeof a === "string" && typeof b === "string" && a < b;
}

/** Sorts null behind everything, numbers by size, texts by code units: the same on every machine, whatever its language. */
export function compareValues(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const [x, y] = [sortable(a), sortable(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function sortable(value: string | number | boolean | readonly string[]): string | number {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "object" ? value.join(" ") : value;
}
