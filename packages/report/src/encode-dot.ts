/**
 * A report as a Graphviz digraph (graphviz.org/doc/info/lang.html): nodes are processes, or addresses where no process is
 * known; an edge counts the connections from one to the other on one service port, and many of a kind are drawn together (dot-collapse.ts). Dashed: the direction is a guess; without an
 * arrow: it is not known.
 */
import { printable } from "@conntrail/model";
import { type Connection, viewConnection } from "./connection.ts";
import { collapse, type DrawnEdge } from "./dot-collapse.ts";
import { groupConnections, servicePort } from "./dot-graph.ts";
import { type LimitOption, shownRows } from "./elision.ts";
import { ownerText } from "./end-text.ts";
import { type RawReport, rawOf } from "./raw-report.ts";
import type { Report } from "./report.ts";
import { isoTime } from "./time.ts";

/** Options of `encodeDot()`. `limit` caps the edges: those with the most connections stay, and the graph's label counts the rest. */
export type DotOptions = LimitOption;

/** Encodes a report as UTF-8 text. Throws `RangeError` for a limit that is none. */
export function encodeDot(report: RawReport | Report, options: DotOptions = {}): Uint8Array<ArrayBuffer> {
  const raw = rawOf(report);
  const groups = collapse(
    groupConnections(raw),
    raw.columns,
    (row) => serviceText(raw, row),
    (row, side) => kindText(viewConnection(raw, row), side),
  );
  const edges = groups.slice(0, shownRows(groups.length, options));
  const title = `${raw.host.name} ${isoTime(raw.window.endMs) ?? ""}`;
  const lines = [
    "digraph conntrail {",
    `  graph [rankdir=LR, labelloc=t, label=${quote(title, ...elidedText(groups.slice(edges.length)))}];`,
    "  node [shape=box];",
    ...nodeLines(raw, edges),
    ...edges.map((edge) => edgeLine(raw, edge)),
    "}",
  ];
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

function nodeLines(raw: RawReport, edges: readonly DrawnEdge[]): string[] {
  const lines = new Map<string, string>();
  for (const edge of edges) {
    for (const side of ["from", "to"] as const) {
      const id = edge[side];
      const many = side === "from" ? edge.fromMany : edge.toMany;
      if (!lines.has(id)) lines.set(id, nodeLine(id, viewConnection(raw, edge.row), side, many));
    }
  }
  return [...lines.values()];
}

function nodeLine(id: string, connection: Connection, side: "from" | "to", many: number): string {
  const end = connection[side];
  if (many > 1) return `  ${quote(id)} [label=${quote(`${many} × ${kindText(connection, side)}`)}, peripheries=2];`;
  if (end.owner !== undefined) return `  ${quote(id)} [label=${quote(ownerText(end))}];`;
  const name = end.names[0];
  const reason = ownerText(end);
  const label = [...(name === undefined ? [] : [name]), end.address, ...(reason === "" ? [] : [reason])];
  return `  ${quote(id)} [shape=ellipse, label=${quote(...label)}];`;
}

/** What those that are drawn together have in common. */
function kindText(connection: Connection, side: "from" | "to"): string {
  return connection[side].process ?? "address";
}

function serviceText(raw: RawReport, row: number): string {
  const { protocol } = viewConnection(raw, row);
  const port = servicePort(raw, row);
  return port === undefined ? protocol : `${protocol}/${port}`;
}

function edgeLine(raw: RawReport, { from, to, row, services, connections, failed }: DrawnEdge): string {
  const { direction } = viewConnection(raw, row);
  const service = services === 1 ? serviceText(raw, row) : `${services} services`;
  const count = connections === 1 ? "" : ` ×${connections}`;
  const failures = failed === 0 ? "" : ` (${failed} failed)`;
  const style = { certain: "", likely: "", guess: ", style=dashed", none: ", style=dashed, dir=none" }[
    direction.confidence
  ];
  return `  ${quote(from)} -> ${quote(to)} [label=${quote(`${service}${count}${failures}`)}${style}];`;
}

function elidedText(left: readonly DrawnEdge[]): string[] {
  if (left.length === 0) return [];
  const connections = left.reduce((sum, edge) => sum + edge.connections, 0);
  return [`… and ${left.length} more edges (${connections} connections)`];
}

/** Lines as one double-quoted string: quotes and backslashes escaped, control characters spelled out. */
function quote(...lines: readonly string[]): string {
  const escaped = lines.map((line) => printable(line).replaceAll("\\", "\\\\").replaceAll('"', '\\"'));
  return `"${escaped.join("\\n")}"`;
}
