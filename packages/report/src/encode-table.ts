/** A report as a table for terminals, in the manner of ss(8): health and totals first, then a row for each connection. */
import { CONFIDENCE, CONNECTION_STATE, type ConnectionState } from "@conntrail/model";
import { viewConnection } from "./connection.ts";
import { elidedRows, type LimitOption, shownRows } from "./elision.ts";
import { type Paint, painter, type Style } from "./paint.ts";
import { type RawReport, rawOf } from "./raw-report.ts";
import type { Report } from "./report.ts";
import { ARROW_MEANING, NETNS_COLUMN, TABLE_COLUMNS } from "./table-cells.ts";
import { tableHeader } from "./table-header.ts";
import { GAP, layoutTable } from "./table-layout.ts";
import { tableOrder } from "./table-order.ts";
import { cut, pad, shorten } from "./text-cell.ts";

/** Options of `encodeTable()`. */
export interface TableOptions extends LimitOption {
  /** Width of the terminal in cells; rows are shortened to it. Default: as wide as it takes. */
  readonly columns?: number | undefined;
  /** Default false. */
  readonly color?: boolean | undefined;
}

/** Encodes a report as UTF-8 text that ends in a newline. Throws `RangeError` for a limit that is none. */
export function encodeTable(report: RawReport | Report, options: TableOptions = {}): Uint8Array<ArrayBuffer> {
  const raw = rawOf(report);
  const shown = shownRows(raw.columns.length, options);
  const paint = painter(options.color === true);
  const order = tableOrder(raw);
  const lines = [...tableHeader(raw, paint), ...tableRows(raw, order.subarray(0, shown), options.columns, paint)];
  const elided = elidedRows(raw.columns, shown, order);
  if (elided !== undefined) {
    const connections = elided.rows === elided.connections ? "" : ` (${elided.connections} connections)`;
    lines.push(`… and ${elided.rows} more${connections}`);
  }
  lines.push(...legend(raw, order.subarray(0, shown)));
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

function tableRows(raw: RawReport, rows: Uint32Array, width: number | undefined, paint: Paint): string[] {
  if (rows.length === 0) return [];
  const columns = severalNamespaces(raw) ? [...TABLE_COLUMNS, NETNS_COLUMN] : TABLE_COLUMNS;
  const cells = Array.from(rows, (row) => {
    const connection = viewConnection(raw, row);
    return columns.map((column) => column.cell(connection, raw.window.endMs));
  });
  const { shown, widths, dropped } = layoutTable(columns, cells, width);
  const line = (texts: readonly string[]): string => {
    const padded = shown.map((i, place) =>
      pad(shorten(texts[i]!, widths[place]!), widths[place]!, columns[i]!.alignRight),
    );
    const whole = padded.join(" ".repeat(GAP)).trimEnd();
    return width === undefined ? whole : cut(whole, width);
  };
  const titles = columns.map((column) => column.title);
  const body = cells.map((texts, i) => paintRow(raw, rows[i]!, line(texts), paint));
  const missing = dropped.length === 0 ? [] : [`Too narrow for ${dropped.map((i) => titles[i]).join(", ")}.`];
  return ["", paint("bold", line(titles)), ...body, ...missing];
}

function severalNamespaces({ columns }: RawReport): boolean {
  for (let row = 1; row < columns.length; row++) if (columns.netns[row] !== columns.netns[0]) return true;
  return false;
}

const STYLE: Readonly<Partial<Record<ConnectionState, Style>>> = { closed: "dim", failed: "red", opening: "yellow" };

function paintRow({ columns }: RawReport, row: number, text: string, paint: Paint): string {
  const style = STYLE[CONNECTION_STATE[columns.state[row]!]!];
  return style === undefined ? text : paint(style, text);
}

/** The arrows in use that need a word. */
function legend({ columns }: RawReport, rows: Uint32Array): string[] {
  const used = new Set(Array.from(rows, (row) => CONFIDENCE[columns.confidence[row]!]!));
  const meanings = (["likely", "guess", "none"] as const)
    .filter((word) => used.has(word))
    .map((word) => ARROW_MEANING[word]);
  return meanings.length === 0 ? [] : ["", meanings.join("   ")];
}
