/** Reports of made-up connections as the sink is given them, with a window of today. */
import { type Report, viewReport } from "@conntrail/report";
import { END_MS, makeContent, type Row } from "../report/content.ts";

/** A report of `rows`; `sequence` seconds after `startMs` is the end of its window. */
export function reportOf(startMs: number, sequence: number, rows: readonly Row[]): Report {
  const endMs = startMs + sequence * 1000;
  const content = makeContent(rows, { sequence, window: { startMs: endMs - 1000, endMs } });
  for (let row = 0; row < rows.length; row++) {
    content.columns.firstSeenMs[row]! += endMs - END_MS;
    content.columns.lastSeenMs[row]! += endMs - END_MS;
  }
  return viewReport(content);
}

/** `count` connections that ended, each of another client port. */
export function closed(count: number, sequence: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    from: `10.0.${sequence % 250}.${i % 250} ${20_000 + i}`,
    to: "10.9.9.9 443",
    state: "closed",
    flags: ["fromLocal"],
    ageMs: 50,
  }));
}
