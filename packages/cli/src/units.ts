/** Durations and sizes as operators write them: `500ms`, `3s`, `1m`; `32KiB`, `64MiB`. Parse errors are commander's, so that they end in exit code 2. */
import { InvalidArgumentError } from "commander";

const DURATIONS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const SIZES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** What a timer of Node can wait: 2^31 - 1 ms, almost 25 days. */
const LONGEST_MS = 2_147_483_647;

/** Milliseconds from `3s`, for a wait; a bare number is not taken, for nobody can tell its unit. */
export function parseDuration(text: string): number {
  return within(parseSpan(text), { least: 1, most: LONGEST_MS }, formatDuration, text);
}

/** Milliseconds of a recording's time, of which there may be any number. */
export function parseSpan(text: string): number {
  return parseUnits(text, DURATIONS, "a duration such as 500ms, 3s or 1m");
}

/** Bytes from `32KiB`. */
export function parseSize(text: string): number {
  return parseUnits(text, SIZES, "a size such as 32KiB or 64MiB");
}

/** What a number may be at the least and at the most. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

type BoundedParser = (bounds: Bounds) => (text: string) => number;

/** Parsers for options of the reporter, with its own bounds. */
export const durationIn: BoundedParser = (bounds) => (text) => within(parseSpan(text), bounds, formatDuration, text);
export const sizeIn: BoundedParser = (bounds) => (text) => within(parseSize(text), bounds, formatSize, text);
export const countIn: BoundedParser = (bounds) => (text) => within(parseCount(text), bounds, String, text);
export const percentIn: BoundedParser = (bounds) => (text) => within(parsePercent(text), bounds, formatPercent, text);

function within(value: number, { least, most }: Bounds, format: (value: number) => string, text: string): number {
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`Expected ${format(least)} to ${format(most)}, got "${text}".`);
}

/** A whole number, 1 or more. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError(`Expected a whole number from 1, got "${text}".`);
  return Number(text);
}

/** A share from `25%`. */
function parsePercent(text: string): number {
  const percent = /^\d{1,4}(?:\.\d{1,3})?%$/.test(text) ? Number.parseFloat(text) : 0;
  if (percent > 0) return percent / 100;
  throw new InvalidArgumentError(`Expected a percentage above 0 such as 25%, got "${text}".`);
}

/** A number that multiplies time, or `max`. */
export function parseSpeed(text: string): number | "max" {
  if (text === "max") return "max";
  const speed = /^\d{1,6}(?:\.\d{1,6})?x?$/.test(text) ? Number(text.replace("x", "")) : 0;
  if (speed > 0) return speed;
  throw new InvalidArgumentError(`Expected max, or a number above 0 such as 1 or 10, got "${text}".`);
}

/** A moment: Unix milliseconds from `2026-01-31T12:00:00Z`, or `+10s` after the first record. */
export function parseMoment(text: string): number | { readonly afterMs: number } {
  if (/^\+0+$/.test(text)) return { afterMs: 0 };
  if (text.startsWith("+")) return { afterMs: parseSpan(text.slice(1)) };
  const timeMs = ISO_TIME.test(text)
    ? Date.parse(text.includes("T") || text.endsWith("Z") ? text : `${text}T00:00:00Z`)
    : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new InvalidArgumentError(
    `Expected a time such as 2026-01-31T12:00:00Z, or +10s after the beginning, got "${text}".`,
  );
}

/** A zone must be said: what a bare time means depends on the machine. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** `10%`. */
export function formatPercent(share: number): string {
  return `${share * 100}%`;
}

/** `1.5s`, in the largest unit of which there is one; hours are the largest. */
export function formatDuration(ms: number): string {
  const [name, unit] = Object.entries(DURATIONS).findLast(([, length]) => ms >= length) ?? ["ms", 1];
  return `${Number((ms / unit).toFixed(1))}${name}`;
}

/** `3.2 MiB`. */
export function formatSize(bytes: number): string {
  const [name, unit] = Object.entries(SIZES).findLast(([, size]) => bytes >= size) ?? ["B", 1];
  return `${unit === 1 ? bytes : (bytes / unit).toFixed(1)} ${name}`;
}

/** An address of HTTP, as it was written. */
export function parseUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError(`Expected a URL such as http://localhost:4040, got "${text}".`);
}

/** Name and value of a header from `Name: value` (RFC 9110 5). */
export function parseHeader(text: string): readonly [string, string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(\S.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new InvalidArgumentError("Expected a header such as 'Authorization: Bearer …'.");
}

function parseUnits(text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = unit === undefined ? undefined : Object.entries(units).find(([name]) => same(name, unit))?.[1];
  if (number === undefined || factor === undefined)
    throw new InvalidArgumentError(`Expected ${expected}, got "${text}".`);
  const value = Number(number) * factor;
  if (value <= 0) throw new InvalidArgumentError(`Expected more than zero, got "${text}".`);
  return Math.round(value);
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
