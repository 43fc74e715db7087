/** Times as a report tells them: ISO 8601 in UTC with milliseconds, null for a time that is not known. */
import { type ByteWriter, fragment } from "./byte-writer.ts";

const DAY_MS = 86_400_000;
/** 9999-12-31T23:59:59.999Z: later times have a longer form. */
const LAST_FOUR_DIGIT_YEAR_MS = 253_402_300_799_999;
/** Days whose text is kept. */
const KEPT_DAYS = 1000;

/** `2026-01-31T12:00:00.000Z` of Unix milliseconds; null for 0, null and what is no time. */
export function isoTime(timeMs: number | null): string | null {
  return timeMs !== null && timeMs >= 1 && timeMs <= LAST_FOUR_DIGIT_YEAR_MS ? new Date(timeMs).toISOString() : null;
}

/** Writes `isoTime(timeMs)` as JSON: in quotes, or `null`. */
export function putTime(writer: ByteWriter, timeMs: number): void {
  if (!(timeMs >= 1 && timeMs <= LAST_FOUR_DIGIT_YEAR_MS)) {
    writer.put(NULL);
    return;
  }
  const day = Math.floor(timeMs / DAY_MS);
  const rest = Math.floor(timeMs - day * DAY_MS);
  const seconds = (rest / 1000) | 0;
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  writer.reserve(32);
  writer.put(dayFragment(day));
  const view = writer.view;
  const at = writer.position;
  view.setUint32(at, COLON_AFTER[hours]!, true);
  view.setUint32(at + 3, COLON_AFTER[minutes - hours * 60]!, true);
  view.setUint32(at + 6, COLON_AFTER[seconds - minutes * 60]!, true);
  // The milliseconds as four digits begin with a 0: the dot goes over it.
  writer.position = at + 8;
  writer.putFourDigits(rest - seconds * 1000);
  view.setUint8(at + 8, 0x2e); // .
  view.setUint16(at + 12, 0x225a, true); // Z"
  writer.position = at + 14;
}

const NULL = fragment("null");

const days = new Map<number, ReturnType<typeof fragment>>();

/** `"2026-01-31T` with its opening quote: what a day's times begin with. */
function dayFragment(day: number): ReturnType<typeof fragment> {
  let known = days.get(day);
  if (known === undefined) {
    if (days.size >= KEPT_DAYS) days.clear();
    known = fragment(`"${new Date(day * DAY_MS).toISOString().slice(0, 11)}`);
    days.set(day, known);
  }
  return known;
}

// 0 to 59 as two digits with a colon behind.
const COLON_AFTER = Uint32Array.from({ length: 60 }, (_, n) => fragment(`${String(n).padStart(2, "0")}:`).words[0]!);
