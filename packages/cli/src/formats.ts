/** The formats of a report on standard output. */
import { encodeDot, encodeJson, encodeScope, encodeTable, type Report } from "@conntrail/report";
import { groupsJson, groupsTable } from "./encode-groups.ts";
import { answer, type Question } from "./question.ts";
import { type Terminal, terminal } from "./terminal.ts";

/** Formats of one report. */
export const REPORT_FORMATS = ["table", "json", "scope", "dot"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Formats of a stream of reports. */
export const STREAM_FORMATS = ["table", "ndjson"] as const;
export type StreamFormat = (typeof STREAM_FORMATS)[number];

/** Formats of a replay: one report of the whole, or with ndjson every report. */
export const REPLAY_FORMATS = ["table", "json", "scope", "dot", "ndjson"] as const;
export type ReplayFormat = (typeof REPLAY_FORMATS)[number];

/** Formats of a diagnosis. */
export const DIAGNOSIS_FORMATS = ["text", "json"] as const;
export type DiagnosisFormat = (typeof DIAGNOSIS_FORMATS)[number];

/** The table for people, the other one for programs. */
export function defaultFormat<T>(forPrograms: T): T | "table" {
  return process.stdout.isTTY ? "table" : forPrograms;
}

/** The bytes of the answer that a report gives to a question, with a newline at the end. `lines`: a table is fitted into this height. */
export function formatAnswer(
  report: Report,
  format: ReportFormat | StreamFormat,
  question: Question,
  lines?: number,
): Uint8Array {
  const bytes = encode(answer(report, question), format, question, { ...terminal(), lines });
  return bytes.at(-1) === 10 ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
}

function encode(
  report: Report,
  format: ReportFormat | StreamFormat,
  { grouping, groupSort, sort, limit, columns: show }: Question,
  window: Terminal & { readonly lines: number | undefined },
): Uint8Array {
  const options = { limit, sorted: sort !== undefined };
  switch (format) {
    case "json":
    case "ndjson":
      if (grouping !== undefined) return Buffer.from(groupsJson(report, grouping, { limit, sort: groupSort }));
      return encodeJson(report, options);
    case "scope":
      return encodeScope(report, options);
    case "dot":
      return encodeDot(report, options);
    case "table":
      if (grouping === undefined) return encodeTable(report, { ...options, ...window, show });
      return Buffer.from(groupsTable(report, grouping, { ...window, limit, sort: groupSort }));
  }
}
