/** The report: packed and unpacked between threads, seen as a view, encoded for whoever asked. */

export { formatBytes } from "./amounts.ts";
export type { Connection } from "./connection.ts";
export { formatDuration } from "./durations.ts";
export { type Elided, type LimitOption, limitRows } from "./elision.ts";
export { type DotOptions, encodeDot } from "./encode-dot.ts";
export { encodeJson, type JsonOptions } from "./encode-json.ts";
export { encodeScope, type ScopeOptions } from "./encode-scope.ts";
export { encodeTable, type TableOptions } from "./encode-table.ts";
export type { End } from "./end.ts";
export { type ExactJson, exactJson } from "./exact-json.ts";
export { healthJson } from "./header-json.ts";
export { JsonLines } from "./json-lines.ts";
export * from "./json-shape.ts";
export { type Packed, type PackedReport, packReport, unpackReport } from "./pack.ts";
export { type Paint, painter, type Style } from "./paint.ts";
export type { RawReport } from "./raw-report.ts";
export type { Records } from "./records.ts";
export { type RenderedTable, type RenderOptions, renderTable } from "./render-table.ts";
export { type Report, viewReport } from "./report.ts";
export { createScopeAliases, type ScopeAliases, type ScopeAliasOptions } from "./scope-aliases.ts";
export { CONNECTION_MEMBERS, type ConnectionMember, Selection } from "./selection.ts";
export { TABLE_COLUMNS, type TableColumn } from "./table-cells.ts";
export { tableHeader } from "./table-header.ts";
export type { Cell, LayoutColumn } from "./table-layout.ts";
export { cellWidth, cut, fold, pad } from "./text-cell.ts";
