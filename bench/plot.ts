/**
 * Cost against size as SVG: panels for time and for memory, both axes logarithmic, a line for each ladder with its
 * growth exponent, and a grey line that shows what linear growth looks like.
 */
import type { FigureResult } from "./result.ts";
import { growthExponent, summarize } from "./statistics.ts";
import { formatNumber } from "./table.ts";

/** Cases that differ only in size. `cost` is that of a whole call: nanoseconds or bytes. */
interface Ladder {
  readonly name: string;
  readonly points: readonly { readonly size: number; readonly cost: number }[];
  readonly exponent: number;
}

/** The ladders among the results of one figure, `time` (ns per unit), `allocated` or `held` (bytes per unit): at least three sizes each. */
function ladders(results: readonly FigureResult[], figure: string): Ladder[] {
  const byName = new Map<string, { size: number; cost: number }[]>();
  for (const result of results) {
    if (result.figure !== figure || result.size === undefined) continue;
    const name = result.case.replace(/\/[^/]*$/, "");
    const cost = summarize(result.samples).median * result.size;
    byName.set(name, [...(byName.get(name) ?? []), { size: result.size, cost }]);
  }
  return [...byName].flatMap(([name, points]) => {
    const sorted = points.sort((a, b) => a.size - b.size);
    const exponent = growthExponent(sorted);
    return sorted.length < 3 || exponent === undefined ? [] : [{ name, points: sorted, exponent }];
  });
}

const WIDTH = 560;
const HEIGHT = 400;
const MARGIN = { left: 70, right: 20, top: 40, bottom: 45 };
const LEGEND_LINE = 16;
const COLORS = ["#0b6e99", "#c4423f", "#3d8b40", "#8a4fb0", "#b8860b", "#00897b", "#ad1457", "#455a64"];

/** Draws the panels. `undefined` when there is no ladder to draw. */
export function plotGrowth(results: readonly FigureResult[], caption: string): string | undefined {
  const panels = [
    { title: "time per call", unit: formatNanoseconds, lines: ladders(results, "time") },
    { title: "heap allocated per call", unit: formatBytes, lines: ladders(results, "allocated") },
    { title: "memory held after a call", unit: formatBytes, lines: ladders(results, "held") },
  ].filter(({ lines }) => lines.length > 0);
  if (panels.length === 0) return undefined;
  const longest = Math.max(...panels.map(({ lines }) => lines.length));
  const height = HEIGHT + LEGEND_LINE * longest + 30;
  const body = panels.map((panel, i) => `<g transform="translate(${i * WIDTH},0)">${drawPanel(panel)}</g>`).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH * panels.length}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${body}
<text x="10" y="${height - 8}" fill="#666" font-size="11">${escapeXml(caption)}</text>
</svg>
`;
}

/** How each ladder grows, a line each. */
export function formatGrowth(results: readonly FigureResult[]): string[] {
  const exponent = (figure: string, name: string): string => {
    const ladder = ladders(results, figure).find((candidate) => candidate.name === name);
    return ladder === undefined ? "" : `${figure} n^${ladder.exponent.toFixed(2)}`;
  };
  return ladders(results, "time").map(({ name, points }) => {
    const range = `${formatCount(points[0]!.size)} to ${formatCount(points.at(-1)!.size)}`;
    const parts = ["time", "allocated", "held"].map((figure) => exponent(figure, name)).filter((part) => part !== "");
    return `${name} grows from ${range} as ${parts.join(", ")}`;
  });
}

interface Panel {
  readonly title: string;
  readonly unit: (value: number) => string;
  readonly lines: readonly Ladder[];
}

function drawPanel({ title, unit, lines }: Panel): string {
  const points = lines.flatMap((line) => line.points).filter(({ cost }) => cost > 0);
  const x = logScale(
    points.map(({ size }) => size),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = logScale(
    points.map(({ cost }) => cost),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const grid = [
    ...x.ticks.map(
      (tick) =>
        `<path d="M${x.at(tick)} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}" stroke="#eee"/>${label(x.at(tick), HEIGHT - MARGIN.bottom + 16, "middle", formatCount(tick))}`,
    ),
    ...y.ticks.map(
      (tick) =>
        `<path d="M${MARGIN.left} ${y.at(tick)}H${WIDTH - MARGIN.right}" stroke="#eee"/>${label(MARGIN.left - 6, y.at(tick) + 4, "end", unit(tick))}`,
    ),
  ];
  const drawn = lines.map((line, i) => drawLine(line, i, x.at, y.at));
  const heading = `<text x="${MARGIN.left}" y="22" font-weight="bold">${escapeXml(title)} against size</text>`;
  return [heading, ...grid, linearGuide(points, x.at, y.at), ...drawn].join("\n");
}

function drawLine(line: Ladder, index: number, x: (v: number) => number, y: (v: number) => number): string {
  const color = COLORS[index % COLORS.length]!;
  const visible = line.points.filter(({ cost }) => cost > 0);
  const path = visible.map(({ size, cost }, i) => `${i === 0 ? "M" : "L"}${round(x(size))} ${round(y(cost))}`).join("");
  const dots = visible.map(
    ({ size, cost }) => `<circle cx="${round(x(size))}" cy="${round(y(cost))}" r="3" fill="${color}"/>`,
  );
  const legendY = HEIGHT + LEGEND_LINE * (index + 0.5);
  const legend = `<path d="M${MARGIN.left} ${legendY - 4}h18" stroke="${color}" stroke-width="2"/>${label(MARGIN.left + 24, legendY, "start", `${line.name}: grows as n^${line.exponent.toFixed(2)}`)}`;
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join("")}${legend}`;
}

/** From the cheapest point of the smallest size: what exactly linear growth would be. */
function linearGuide(
  points: readonly { size: number; cost: number }[],
  x: (v: number) => number,
  y: (v: number) => number,
): string {
  const sizes = points.map(({ size }) => size);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const from = Math.min(...points.filter(({ size }) => size === least).map(({ cost }) => cost));
  const end = (from * most) / least;
  return `<path d="M${round(x(least))} ${round(y(from))}L${round(x(most))} ${round(y(end))}" stroke="#bbb" stroke-dasharray="4 4"/>`;
}

/** A logarithmic scale over whole decades. */
function logScale(
  values: readonly number[],
  from: number,
  to: number,
): { at: (value: number) => number; ticks: number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { ticks, at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
}

function label(x: number, y: number, anchor: string, text: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="#333">${escapeXml(text)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function formatCount(value: number): string {
  if (value >= 1e6) return `${formatNumber(value / 1e6)} M`;
  return value >= 1e3 ? `${formatNumber(value / 1e3)} k` : formatNumber(value);
}

function formatNanoseconds(value: number): string {
  if (value >= 1e9) return `${formatNumber(value / 1e9)} s`;
  if (value >= 1e6) return `${formatNumber(value / 1e6)} ms`;
  return value >= 1e3 ? `${formatNumber(value / 1e3)} µs` : `${formatNumber(value)} ns`;
}

function formatBytes(value: number): string {
  if (value >= 1e9) return `${formatNumber(value / 1e9)} GB`;
  if (value >= 1e6) return `${formatNumber(value / 1e6)} MB`;
  return value >= 1e3 ? `${formatNumber(value / 1e3)} kB` : `${formatNumber(value)} B`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
