/** What an agent installs: the reporter, and the types of what it gives. The parts are sub-paths (pack/parts.ts). */

export type {
  Connection,
  ConnectionFlag,
  ConnectionJson,
  End,
  EndJson,
  HealthJson,
  RawReport,
  Report,
  ReportJson,
} from "@conntrail/report";
export * from "@conntrail/reporter";
