/** Groups of connections as a table for people, and as JSON (`conntrail.groups/1`) for programs. */
import { printable } from "@conntrail/model";
import type { Group, Grouping, Value } from "@conntrail/query";
import {
  type Cell,
  fold,
  formatBytes,
  formatDuration,
  type LayoutColumn,
  painter,
  type Report,
  renderTable,
  type Style,
  tableHeader,
} from "@conntrail/report";

/** How groups are told. */
export interface GroupsOptions {
  readonly limit?: number | undefined;
  readonly sort?: string | undefined;
  /** Width and height of a terminal. */
  readonly columns?: number | undefined;
  readonly lines?: number | undefined;
  readonly color?: boolean | undefined;
}

/** The groups of a report as a table, under the header of every table. */
export function groupsTable(report: Report, grouping: Grouping, options: GroupsOptions): string {
  const paint = painter(options.color === true);
  const head = tableHeader(report.raw, paint, options.columns);
  const groups = groupsOf(report, grouping, options.sort);
  const room = options.lines === undefined ? Number.POSITIVE_INFINITY : Math.max(1, options.lines - head.length - 5);
  const shown = groups.slice(0, Math.min(options.limit ?? Number.POSITIVE_INFINITY, room));
  const body = groupLines(shown, grouping, report.raw.window.endMs, { width: options.columns, paint });
  const left = groups.slice(shown.length);
  const connections = left.reduce((sum, each) => sum + each.connections, 0);
  const more =
    left.length === 0 ? [] : fold(`… and ${left.length} more (${connections} connections)`, options.columns, 2);
  return `${[...head, ...body, ...more].join("\n")}\n`;
}

/** Titles and a line for each group. */
function groupLines(
  groups: readonly Group[],
  { keys }: Grouping,
  endMs: number,
  options: Pick<Parameters<typeof renderTable>[2], "width" | "paint">,
): string[] {
  if (groups.length === 0) return [];
  const cells = groups.map((group) => groupCells(group, keys, endMs));
  const style = (index: number): Style | undefined => groupStyle(groups[index]!);
  const { head, body, dropped } = renderTable(groupColumns(keys), cells, { ...options, style });
  return [
    "",
    head,
    ...body,
    ...(dropped.length === 0 ? [] : fold(`Too narrow for ${dropped.join(", ")}.`, options.width, 2)),
  ];
}

/** The columns of groups: a key each, then the sums. */
export function groupColumns(keys: readonly string[]): LayoutColumn[] {
  return [...keys.map(keyColumn), ...SUMS];
}

/** The cells of a group for these columns. */
export function groupCells(group: Group, keys: readonly string[], endMs: number): Cell[] {
  return [...group.keys.map((value, i) => keyCell(keys[i]!, value)), ...sums(group, endMs)];
}

/** Failures stand out, what is over steps back. */
export function groupStyle({ failed, open }: Group): Style | undefined {
  return failed > 0 ? "red" : open === 0 ? "dim" : undefined;
}

/** The groups of a report as one line of JSON. */
export function groupsJson(report: Report, grouping: Grouping, { sort, limit }: GroupsOptions): string {
  const groups = groupsOf(report, grouping, sort);
  const shown = groups.slice(0, limit ?? groups.length);
  const { sequence, host, window } = report;
  const rows = shown.map(({ keys, ...rest }) => ({
    ...Object.fromEntries(grouping.keys.map((name, i) => [name, keys[i]!])),
    ...rest,
  }));
  const left = groups.slice(shown.length).reduce((sum, { connections }) => sum + connections, 0);
  const elided =
    shown.length === groups.length ? {} : { elided: { groups: groups.length - shown.length, connections: left } };
  return JSON.stringify({
    schema: "conntrail.groups/1",
    sequence,
    host: { id: host.id, name: host.name },
    window,
    by: grouping.keys,
    groups: rows,
    ...elided,
  });
}

function groupsOf(report: Report, grouping: Grouping, sort: string | undefined): Group[] {
  const rows = Array.from({ length: report.length }, (_, row) => row);
  return grouping.sort(grouping.rows(report.raw, rows, report.window.start), sort);
}

const plain = { alignRight: false, dropOrder: undefined, usual: undefined } as const;
const number = { ...plain, alignRight: true } as const;

const SUMS: readonly LayoutColumn[] = [
  { ...plain, title: "NAT", dropOrder: 4, usual: "" },
  { ...number, title: "OPEN", dropOrder: 7 },
  { ...number, title: "OPENED", dropOrder: 3 },
  { ...number, title: "CLOSED", dropOrder: 6, usual: "0" },
  { ...number, title: "FAILED", dropOrder: 8, usual: "0" },
  { ...number, title: "BYTES", dropOrder: 5, usual: "" },
  { ...number, title: "FIRST", dropOrder: 1, usual: "" },
  { ...number, title: "LAST", dropOrder: 2, usual: "" },
];

function sums({ nat, open, opened, closed, failed, bytes, first, last }: Group, endMs: number): Cell[] {
  const ago = (time: string | null): string => (time === null ? "" : `${formatDuration(endMs - Date.parse(time))} ago`);
  const counts = [open, opened, closed, failed].map(String);
  return [nat.join(" "), ...counts, bytes === null ? "" : formatBytes(bytes), ago(first), ago(last)];
}

function keyColumn(name: string): LayoutColumn {
  return { ...plain, title: name.toUpperCase() };
}

/** The id of a container is known by its first twelve digits. */
function keyCell(name: string, value: Value): Cell {
  if (value === null) return "?";
  const text = printable(Array.isArray(value) ? value.join(" ") : String(value));
  return /^[0-9a-f]{64}$/.test(text)
    ? [text.slice(0, 12)]
    : name.endsWith("bytes") && typeof value === "number"
      ? formatBytes(value)
      : text;
}
