/** Fits a table into a terminal: the least important columns go first, then the widest cells are shortened. */
import type { TableColumn } from "./table-cells.ts";
import { cellWidth } from "./text-cell.ts";

/** Cells between columns. */
export const GAP = 2;

/** Flexible columns are not made narrower than this while another column can go instead, nor than the second in any case. */
const COMFORTABLE_WIDTH = 22;
const LEAST_WIDTH = 8;

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
  columns: readonly TableColumn[],
  body: readonly (readonly string[])[],
  width: number | undefined,
): TableLayout {
  const natural = columns.map(({ title }, i) =>
    body.reduce((most, row) => Math.max(most, cellWidth(row[i]!)), title.length),
  );
  const useful = [...columns.keys()].filter((i) => {
    const { usual } = columns[i]!;
    return usual === undefined || body.some((row) => row[i] !== usual);
  });
  if (width === undefined) return { shown: useful, widths: useful.map((i) => natural[i]!), dropped: [] };
  const least = (i: number): number => (columns[i]!.flexible ? Math.min(natural[i]!, COMFORTABLE_WIDTH) : natural[i]!);
  const dropped: number[] = [];
  let shown = useful;
  while (total(shown.map(least)) > width) {
    const candidates = shown.filter((i) => columns[i]!.dropOrder !== undefined);
    if (candidates.length === 0) break;
    const first = candidates.reduce((a, b) => (columns[a]!.dropOrder! <= columns[b]!.dropOrder! ? a : b));
    dropped.push(first);
    shown = shown.filter((i) => i !== first);
  }
  const flexible = shown.map((i) => columns[i]!.flexible);
  return {
    shown,
    widths: shrink(
      shown.map((i) => natural[i]!),
      flexible,
      width,
    ),
    dropped,
  };
}

/** Takes a cell at a time from the widest flexible column until all fit or none can give more. */
function shrink(widths: readonly number[], flexible: readonly boolean[], width: number): number[] {
  const shrunk = [...widths];
  for (let excess = total(shrunk) - width; excess > 0; excess--) {
    let widest = -1;
    for (const [i, each] of shrunk.entries()) {
      if (flexible[i] && each > LEAST_WIDTH && (widest < 0 || each > shrunk[widest]!)) widest = i;
    }
    if (widest < 0) break;
    shrunk[widest]!--;
  }
  return shrunk;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, GAP * Math.max(0, widths.length - 1));
}
