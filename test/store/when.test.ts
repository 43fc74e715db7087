/** Moments as people write them, for `conntrail history`. The zone is given: what 03:12 means depends on the clock on the wall. */
import { beforeAll, expect, test } from "vitest";

/** The command has no exports: its own file is what is asked. */
const { parseWhen } = (await import(new URL("../../packages/cli/dist/when.js", import.meta.url).href)) as {
  readonly parseWhen: (text: string, nowMs: number) => { readonly sinceMs: number; readonly untilMs: number };
};

/** Half past twelve in Berlin, in winter. */
const NOW_MS = Date.parse("2026-01-31T11:30:00Z");

beforeAll(() => {
  process.env.TZ = "Europe/Berlin";
});

test.each([
  { text: "03:12", since: "2026-01-31T02:12:00Z", seconds: 60 },
  { text: "3:12", since: "2026-01-31T02:12:00Z", seconds: 60 },
  { text: "03:12:30", since: "2026-01-31T02:12:30Z", seconds: 1 },
  { text: "23:50", since: "2026-01-30T22:50:00Z", seconds: 60 },
  { text: "yesterday 03:12", since: "2026-01-30T02:12:00Z", seconds: 60 },
  { text: "today 03:12", since: "2026-01-31T02:12:00Z", seconds: 60 },
  { text: "2026-01-30", since: "2026-01-29T23:00:00Z", seconds: 86_400 },
  { text: "2026-01-30 03:12", since: "2026-01-30T02:12:00Z", seconds: 60 },
  { text: "2026-01-30T03:12:05Z", since: "2026-01-30T03:12:05Z", seconds: 1 },
  { text: "2026-01-30T03:12+05:30", since: "2026-01-29T21:42:00Z", seconds: 60 },
  { text: "15m", since: "2026-01-31T11:15:00Z", seconds: 60 },
  { text: "-15m", since: "2026-01-31T11:15:00Z", seconds: 60 },
  { text: "2 h ago", since: "2026-01-31T09:30:00Z", seconds: 60 },
  { text: "2d", since: "2026-01-29T11:30:00Z", seconds: 60 },
  { text: "now", since: "2026-01-31T11:29:59Z", seconds: 1 },
])("$text is a stretch of $seconds s", ({ text, since, seconds }) => {
  const sinceMs = Date.parse(since);
  expect(parseWhen(text, NOW_MS)).toEqual({ sinceMs, untilMs: sinceMs + seconds * 1000 });
});

test.each(["25:12", "03:60", "tomorrow 03:12", "2026-13-01", "noon", "", "3", "15x ago"])(
  "%j is refused with what was expected",
  (text) => {
    expect(() => parseWhen(text, NOW_MS)).toThrow(/^Expected (a time such as 03:12|a duration such as)/);
  },
);
