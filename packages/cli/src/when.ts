/**
 * Moments as people write them: `03:12`, `yesterday 23:50`, `2026-01-31 03:12:30`, `2026-01-31`, `15m ago`, `now`. Each is a stretch as long as it was
 * said precisely: `03:12` is a minute. Without a zone they are of this machine's zone (TZ), as clocks on the wall are.
 */
import { InvalidArgumentError } from "commander";
import { parseSpan } from "./units.ts";

/** Unix milliseconds; the end is not part of it. */
export interface Stretch {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The stretch that was meant, seen from `nowMs`: a time of day that is still to come was yesterday's. */
export function parseWhen(text: string, nowMs: number): Stretch {
  const words = text.trim().toLowerCase();
  if (words === "now") return { sinceMs: nowMs - SECOND_MS, untilMs: nowMs };
  const [, span] = /^-?(\d[\d.]*\s*[a-z]+?)(?:\s+ago)?$/.exec(words) ?? [];
  if (span !== undefined) return minuteOf(nowMs - days(span));
  const stretch = timeOfDay(words, nowMs) ?? date(text.trim());
  if (stretch !== undefined) return stretch;
  throw new InvalidArgumentError(
    `Expected a time such as 03:12, "yesterday 23:50", "2026-01-31 03:12", 2026-01-31T03:12:00Z or 15m, got "${text}".`,
  );
}

/** `2d` beside the units of other durations. */
function days(span: string): number {
  const [, count] = /^(\d+)\s*d(?:ays?)?$/.exec(span) ?? [];
  return count === undefined ? parseSpan(span.replace(/\s+/g, "")) : Number(count) * DAY_MS;
}

function minuteOf(ms: number): Stretch {
  return { sinceMs: ms, untilMs: ms + MINUTE_MS };
}

/** `03:12`, `03:12:30`, with `today` or `yesterday` before it. */
function timeOfDay(text: string, nowMs: number): Stretch | undefined {
  const [, day, hours, minutes, seconds] = /^(?:(today|yesterday)\s+)?(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds ?? 0) > 59) return undefined;
  const at = new Date(nowMs);
  at.setHours(Number(hours), Number(minutes), Number(seconds ?? 0), 0);
  if (day === "yesterday" || (day === undefined && at.getTime() > nowMs)) at.setDate(at.getDate() - 1);
  return lasting(at.getTime(), seconds === undefined ? MINUTE_MS : SECOND_MS);
}

/** `2026-01-31`, with a time and a zone if wanted. */
function date(text: string): Stretch | undefined {
  const [, day, time, seconds, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?)?\s*(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (day === undefined) return undefined;
  const sinceMs = Date.parse(`${day}T${time ?? "00:00"}${seconds ?? ":00"}${zone ?? ""}`);
  if (Number.isNaN(sinceMs)) return undefined;
  return lasting(sinceMs, time === undefined ? DAY_MS : seconds === undefined ? MINUTE_MS : SECOND_MS);
}

function lasting(sinceMs: number, lengthMs: number): Stretch {
  return { sinceMs, untilMs: sinceMs + lengthMs };
}
