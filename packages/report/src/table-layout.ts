/** Fits a table into a terminal: cells take their shorter forms, the least important columns go, and only then is anything cut. */
import { cellWidth, shorten } from "./text-cell.ts";

/** Cells between columns. */
export const GAP = 2;

/** Nothing is cut to less than this. */
const LEAST_WIDTH = 8;

/** A cell: its text, or the forms in which it can stand, the fullest first. */
export type Cell = string | readonly string[];

/** How a column behaves when room is scarce. */
export interface LayoutColumn {
  readonly title: string;
  readonly alignRight: boolean;
  /** Place in the order in which columns go when the terminal is too narrow; undefined: it stays. */
  readonly dropOrder: number | undefined;
  /** The value that is not worth a column when every row has it. */
  readonly usual: string | undefined;
}

/** Which columns to show, and how wide. */
export interface TableLayout {
  /** Indices of the columns shown, in order, and the width of each. */
  readonly shown: readonly number[];
  readonly widths: readonly number[];
  /** Indices of columns left out for want of room. */
  readonly dropped: readonly number[];
}

/** Lays out rows of cells. `width` undefined: as wide as it takes. */
export function layoutTable(
  columns: readonly LayoutColumn[],
  body: readonly (readonly Cell[])[],
  width: number | undefined,
): TableLayout {
  const widest = (i: number, form: (cell: Cell) => string): number =>
    body.reduce((most, row) => Math.max(most, cellWidth(form(row[i]!))), columns[i]!.title.length);
  const useful = [...columns.keys()].filter((i) => {
    const { usual } = columns[i]!;
    return usual === undefined || body.some((row) => fullest(row[i]!) !== usual);
  });
  const natural = columns.map((_, i) => widest(i, fullest));
  if (width === undefined) return { shown: useful, widths: useful.map((i) => natural[i]!), dropped: [] };
  const least = columns.map((_, i) => widest(i, shortest));
  const dropped: number[] = [];
  let shown = useful;
  while (total(shown.map((i) => least[i]!)) > width) {
    const candidates = shown.filter((i) => columns[i]!.dropOrder !== undefined);
    if (candidates.length === 0) break;
    const first = candidates.reduce((a, b) => (columns[a]!.dropOrder! <= columns[b]!.dropOrder! ? a : b));
    dropped.push(first);
    shown = shown.filter((i) => i !== first);
  }
  const take = (wanted: readonly number[]): readonly number[] => shown.map((i) => wanted[i]!);
  const formed = shrink(take(natural), take(least), width);
  const floor = shown.map((i) => Math.min(least[i]!, LEAST_WIDTH));
  return { shown, widths: shrink(formed, floor, width), dropped };
}

/** A cell's text in at most `width` cells: the fullest form that fits, and of the shortest one no more than that. */
export function fitCell(cell: Cell, width: number): string {
  const forms = typeof cell === "string" ? [cell] : cell;
  return forms.find((form) => cellWidth(form) <= width) ?? shorten(shortest(cell), width);
}

function fullest(cell: Cell): string {
  return typeof cell === "string" ? cell : cell[0]!;
}

function shortest(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.reduce((a, b) => (cellWidth(b) < cellWidth(a) ? b : a));
}

/** Takes a cell at a time from the widest column that is wider than its floor, until all fit or none can give more. */
function shrink(widths: readonly number[], floors: readonly number[], width: number): number[] {
  const shrunk = [...widths];
  for (let excess = total(shrunk) - width; excess > 0; excess--) {
    let widest = -1;
    for (const [i, each] of shrunk.entries()) {
      if (each > floors[i]! && (widest < 0 || each > shrunk[widest]!)) widest = i;
    }
    if (widest < 0) break;
    shrunk[widest]!--;
  }
  return shrunk;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, GAP * Math.max(0, widths.length - 1));
}
