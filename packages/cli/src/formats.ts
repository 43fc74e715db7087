/** The formats of a report on standard output. */
import { encodeDot, encodeJson, encodeScope, encodeTable, type Report } from "@conntrail/report";

/** Formats of one report. */
export const REPORT_FORMATS = ["table", "json", "scope", "dot"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Formats of a stream of reports. */
export const STREAM_FORMATS = ["table", "ndjson"] as const;
export type StreamFormat = (typeof STREAM_FORMATS)[number];

/** Formats of a replay: one report of the whole, or with ndjson every report. */
export const REPLAY_FORMATS = ["table", "json", "scope", "dot", "ndjson"] as const;
export type ReplayFormat = (typeof REPLAY_FORMATS)[number];

/** The table for people, the other one for programs. */
export function defaultFormat<T>(forPrograms: T): T | "table" {
  return process.stdout.isTTY ? "table" : forPrograms;
}

/** The bytes of one report, with a newline at the end. */
export function formatReport(report: Report, format: ReportFormat | StreamFormat, limit?: number): Uint8Array {
  const bytes = encode(report, format, limit === undefined ? {} : { limit });
  return bytes.at(-1) === 10 ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
}

function encode(report: Report, format: ReportFormat | StreamFormat, options: { readonly limit?: number }): Uint8Array {
  switch (format) {
    case "json":
    case "ndjson":
      return encodeJson(report, options);
    case "scope":
      return encodeScope(report, options);
    case "dot":
      return encodeDot(report, options);
    case "table":
      return encodeTable(report, { ...options, ...terminal() });
  }
}

/** Widths and colours are for terminals; a pipe gets every column in full and no escapes. */
function terminal(): { readonly columns?: number; readonly color?: boolean } {
  if (!process.stdout.isTTY) return {};
  return { columns: process.stdout.columns, color: process.env.NO_COLOR === undefined };
}
