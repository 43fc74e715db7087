/** Rows of cells as lines of text under a line of titles. */
import type { Paint, Style } from "./paint.ts";
import { type Cell, fitCell, GAP, type LayoutColumn, layoutTable } from "./table-layout.ts";
import { cut, pad } from "./text-cell.ts";

/** How a table is drawn. */
export interface RenderOptions {
  /** Width of the terminal in cells; undefined: as wide as it takes. */
  readonly width: number | undefined;
  readonly paint: Paint;
  /** The style of row `index`. */
  readonly style?: (index: number) => Style | undefined;
}

/** A drawn table. `dropped`: titles of columns for which there was no room. */
export interface RenderedTable {
  readonly head: string;
  readonly body: readonly string[];
  readonly dropped: readonly string[];
}

/** Draws a table. Cells must be printable (text-cell.ts). */
export function renderTable(
  columns: readonly LayoutColumn[],
  rows: readonly (readonly Cell[])[],
  { width, paint, style }: RenderOptions,
): RenderedTable {
  const { shown, widths, dropped } = layoutTable(columns, rows, width);
  const line = (cells: readonly Cell[]): string => {
    const padded = shown.map((i, place) =>
      pad(fitCell(cells[i]!, widths[place]!), widths[place]!, columns[i]!.alignRight),
    );
    const whole = padded.join(" ".repeat(GAP)).trimEnd();
    return width === undefined ? whole : cut(whole, width);
  };
  const titles = columns.map((column) => column.title);
  const body = rows.map((cells, index) => {
    const painted = style?.(index);
    return painted === undefined ? line(cells) : paint(painted, line(cells));
  });
  return { head: paint("bold", line(titles)), body, dropped: dropped.map((i) => titles[i]!) };
}
