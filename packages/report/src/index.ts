/** The report: packed and unpacked between threads, seen as a view, encoded for whoever asked. */

export type { Connection } from "./connection.ts";
export type { Elided, LimitOption } from "./elision.ts";
export { type DotOptions, encodeDot } from "./encode-dot.ts";
export { encodeJson, type JsonOptions } from "./encode-json.ts";
export { encodeScope, type ScopeOptions } from "./encode-scope.ts";
export { encodeTable, type TableOptions } from "./encode-table.ts";
export type { End } from "./end.ts";
export * from "./json-shape.ts";
export { type Packed, type PackedReport, packReport, unpackReport } from "./pack.ts";
export type { RawReport } from "./raw-report.ts";
export type { Records } from "./records.ts";
export { type Report, viewReport } from "./report.ts";
export { createScopeAliases, type ScopeAliases, type ScopeAliasOptions } from "./scope-aliases.ts";
