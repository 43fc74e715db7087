/** Durations and sizes as operators write them: `500ms`, `3s`, `1m`; `32KiB`, `64MiB`. Parse errors are commander's, so that they end in exit code 2. */
import { InvalidArgumentError } from "commander";

const DURATIONS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const SIZES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Milliseconds from `3s`; a bare number is not taken, for nobody can tell its unit. */
export function parseDuration(text: string): number {
  return parseUnits(text, DURATIONS, "a duration such as 500ms, 3s or 1m");
}

/** Bytes from `32KiB`. */
export function parseSize(text: string): number {
  return parseUnits(text, SIZES, "a size such as 32KiB or 64MiB");
}

/** A whole number, 1 or more. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError(`Expected a whole number from 1, got "${text}".`);
  return Number(text);
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
