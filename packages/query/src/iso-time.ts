/** Times of a report as text: ISO 8601 in UTC with milliseconds, null for one that is not known. */

const LAST_FOUR_DIGIT_YEAR_MS = 253_402_300_799_999;

/** `2026-01-31T12:00:00.000Z` of Unix milliseconds. */
export function isoOf(timeMs: number): string | null {
  return timeMs >= 1 && timeMs <= LAST_FOUR_DIGIT_YEAR_MS ? new Date(timeMs).toISOString() : null;
}

/** The same for a time as people write it, `2026-01-31`, `2026-01-31T12:00:00Z`; undefined for what is none. A zone must be said. */
export function parseIso(text: string): string | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const timeMs = Date.parse(text.includes("T") ? text : `${text}T00:00:00Z`);
  return Number.isNaN(timeMs) ? undefined : (isoOf(timeMs) ?? undefined);
}

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;
