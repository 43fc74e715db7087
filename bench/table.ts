/** A run as text: one line per figure; the memory of a timed case stands on the line of its time. */
import { type FigureResult, nameOf, targetMet } from "./result.ts";
import { summarize } from "./statistics.ts";

const HEAD = ["case", "median", "unit", "p25 – p75", "n", "allocated", "held", "target"];
const RIGHT = new Set([1, 3, 4, 5, 6]);

/** Formats results as aligned columns, a line for each, in their order. */
export function formatTable(results: readonly FigureResult[]): string {
  const memory = new Map(results.filter(isMemory).map((result) => [`${result.case} ${result.figure}`, result]));
  const rows = results.filter((result) => !isMemory(result)).map((result) => row(result, memory));
  return align([HEAD, ...rows], RIGHT);
}

/** Three significant digits, thousands marked: `1,234`, `12.3`, `0.0123`. */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/** Pads cells to columns; the columns in `right` are flush right. */
export function align(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function row(result: FigureResult, memory: ReadonlyMap<string, FigureResult>): string[] {
  const { median, p25, p75 } = summarize(result.samples);
  const bytes = (figure: string): string => {
    const found = result.figure === "time" ? memory.get(`${result.case} ${figure}`) : undefined;
    return found === undefined ? "" : `${formatNumber(found.samples[0]!)} B`;
  };
  return [
    nameOf(result),
    formatNumber(median),
    result.unit,
    `${formatNumber(p25)} – ${formatNumber(p75)}`,
    String(result.taken),
    bytes("allocated"),
    bytes("held"),
    targetText(result),
  ];
}

function targetText(result: FigureResult): string {
  const { target } = result;
  if (target === undefined) return "";
  const bounds = [
    ...(target.atMost === undefined ? [] : [`≤ ${formatNumber(target.atMost)}`]),
    ...(target.atLeast === undefined ? [] : [`≥ ${formatNumber(target.atLeast)}`]),
  ];
  return `${targetMet(result) ? "met" : "MISSED"} ${bounds.join(", ")} (${target.note})`;
}

function isMemory({ figure }: FigureResult): boolean {
  return figure === "allocated" || figure === "held";
}
