/** A report as a table for terminals, in the manner of ss(8): health and totals first, then a row for each connection. */
import { CONFIDENCE, CONNECTION_STATE, type ConnectionState } from "@conntrail/model";
import { viewConnection } from "./connection.ts";
import { elidedRows, heaviestFirst, type LimitOption, shownRows } from "./elision.ts";
import { type Paint, painter, type Style } from "./paint.ts";
import { type RawReport, rawOf } from "./raw-report.ts";
import { renderTable } from "./render-table.ts";
import type { Report } from "./report.ts";
import { ARROW_MEANING, NETNS_COLUMN, TABLE_COLUMNS, type TableColumn } from "./table-cells.ts";
import { tableHeader } from "./table-header.ts";
import { tableOrder } from "./table-order.ts";
import { fold } from "./text-cell.ts";

/** Options of `encodeTable()`. */
export interface TableOptions extends LimitOption {
  /** Width of the terminal in cells; lines are fitted into it. Default: as wide as it takes. */
  readonly columns?: number | undefined;
  /** Height of the terminal: rows beyond it are counted, not shown, so that the header stays in sight. */
  readonly lines?: number | undefined;
  /** Default false. */
  readonly color?: boolean | undefined;
  /** The columns to show instead of the usual ones. */
  readonly show?: readonly TableColumn[] | undefined;
}

/** Encodes a report as UTF-8 text that ends in a newline. Throws `RangeError` for a limit that is none. */
export function encodeTable(report: RawReport | Report, options: TableOptions = {}): Uint8Array<ArrayBuffer> {
  const paint = painter(options.color === true);
  const whole = rawOf(report);
  const head = tableHeader(whole, paint, options.columns);
  const limit = Math.min(options.limit ?? Number.POSITIVE_INFINITY, room(options.lines, head.length));
  const raw = heaviestFirst(whole, { ...options, limit: checked(options, limit) });
  const shown = shownRows(raw.columns.length, { limit });
  const rows = (options.sorted === true ? upwards(raw.columns.length) : tableOrder(raw)).filter((row) => row < shown);
  const lines = [...head, ...tableRows(raw, rows, options, paint)];
  const elided = elidedRows(raw.columns, shown);
  if (elided !== undefined) {
    const connections = elided.rows === elided.connections ? "" : ` (${elided.connections} connections)`;
    lines.push(...fold(`… and ${elided.rows} more${connections}`, options.columns, 2));
  }
  lines.push(...legend(raw, rows, options.columns));
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** Lines beside header and rows: an empty one, the titles, what was too narrow, what was left out, an empty one and the arrows, and the cursor's. */
const OTHER_LINES = 7;

function room(lines: number | undefined, header: number): number {
  return lines === undefined ? Number.POSITIVE_INFINITY : Math.max(1, lines - header - OTHER_LINES);
}

/** The limit that was asked for is checked, not the one that the terminal gave. */
function checked(options: TableOptions, limit: number): number {
  shownRows(0, options);
  return limit;
}

function upwards(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, row) => row);
}

function tableRows(raw: RawReport, rows: Uint32Array, options: TableOptions, paint: Paint): string[] {
  if (rows.length === 0) return [];
  const columns = options.show ?? (severalNamespaces(raw) ? [...TABLE_COLUMNS, NETNS_COLUMN] : TABLE_COLUMNS);
  const cells = Array.from(rows, (row) => {
    const connection = viewConnection(raw, row);
    return columns.map((column) => column.cell(connection, raw.window.endMs));
  });
  const style = (index: number): Style | undefined => STYLE[CONNECTION_STATE[raw.columns.state[rows[index]!]!]!];
  const { head, body, dropped } = renderTable(columns, cells, { width: options.columns, paint, style });
  const missing = dropped.length === 0 ? [] : fold(`Too narrow for ${dropped.join(", ")}.`, options.columns, 2);
  return ["", head, ...body, ...missing];
}

function severalNamespaces({ columns }: RawReport): boolean {
  for (let row = 1; row < columns.length; row++) if (columns.netns[row] !== columns.netns[0]) return true;
  return false;
}

const STYLE: Readonly<Partial<Record<ConnectionState, Style>>> = { closed: "dim", failed: "red", opening: "yellow" };

/** The arrows in use that need a word. */
function legend({ columns }: RawReport, rows: Uint32Array, width: number | undefined): string[] {
  const used = new Set(Array.from(rows, (row) => CONFIDENCE[columns.confidence[row]!]!));
  const meanings = (["likely", "guess", "none"] as const)
    .filter((word) => used.has(word))
    .map((word) => ARROW_MEANING[word]);
  return meanings.length === 0 ? [] : ["", ...fold(meanings.join("   "), width, 2)];
}
