/** A screen as lines: exactly as many as the terminal has, none wider than it. */
import { printable } from "@conntrail/model";
import type { Grouping } from "@conntrail/query";
import {
  type Connection,
  cut,
  fold,
  formatDuration,
  type LayoutColumn,
  type Paint,
  type Report,
  renderTable,
  type Style,
  TABLE_COLUMNS,
} from "@conntrail/report";
import { groupCells, groupColumns, groupStyle } from "../encode-groups.ts";
import { evidenceLines } from "./evidence-lines.ts";
import type { KeptGroup } from "./kept-groups.ts";
import type { TopState } from "./top-state.ts";

/** What a frame is made of. */
export interface Scene {
  readonly state: TopState;
  /** Undefined until the first one. */
  readonly report: Report | undefined;
  readonly grouping: Grouping;
  readonly groups: readonly KeptGroup[];
  /** Those of the open group. */
  readonly connections: readonly Connection[];
  /** Why the open connection's row says what it says; undefined while nobody has answered. */
  readonly why: readonly string[] | undefined;
  /** Told in place of rows when there are none. */
  readonly notice: readonly string[];
  /** Why what was typed is no filter. */
  readonly complaint: string | undefined;
}

/** Width and height of a terminal in cells. */
export interface Size {
  readonly columns: number;
  readonly lines: number;
}

/** Lines above and below the list: two of totals, the titles, the keys. */
const FRAME_LINES = 4;

/** How many rows are seen at once. */
export function pageLines({ lines }: Size): number {
  return Math.max(1, lines - FRAME_LINES);
}

/** Marks the selected row where there are no colours, too. */
export const GUTTER = 2;

/** Draws. */
export function frame(scene: Scene, size: Size, paint: Paint): string[] {
  const page = pageLines(size);
  const { head, body, selected } = scene.state.help ? helpList() : list(scene, size, paint);
  const from = Math.max(0, Math.min(selected - Math.floor(page / 2), body.length - page));
  const rows = body.slice(from, from + page);
  const lines = [
    ...heading(scene, size, paint),
    head,
    ...(rows.length > 0 ? rows : scene.notice.flatMap((line) => fold(`  ${printable(line)}`, size.columns, GUTTER))),
  ].slice(0, size.lines - 1);
  while (lines.length < size.lines - 1) lines.push("");
  return [...lines, bottom(scene, size, paint, { from, shown: rows.length, of: body.length })];
}

interface List {
  readonly head: string;
  readonly body: readonly string[];
  readonly selected: number;
}

function list(scene: Scene, size: Size, paint: Paint): List {
  const { state, grouping, groups, connections, report } = scene;
  const endMs = report?.raw.window.endMs ?? 0;
  const selected = state.selected[state.level];
  if (state.level === "groups") {
    const cells = groups.map(({ group }) => groupCells(group, grouping.keys, endMs));
    const style = (i: number): Style | undefined => (groups[i]!.gone ? "dim" : groupStyle(groups[i]!.group));
    return table(groupColumns(grouping.keys), cells, selected, style, size, paint);
  }
  if (state.level === "connections") {
    const cells = connections.map((connection) => TABLE_COLUMNS.map((column) => column.cell(connection, endMs)));
    return table(TABLE_COLUMNS, cells, selected, (i) => STYLE[connections[i]!.state], size, paint);
  }
  if (state.level === "why") {
    const body = (scene.why ?? ["Asking why …"]).map((line) => `  ${line}`);
    return { head: "  WHY", body, selected: Math.min(selected + Math.floor(pageLines(size) / 2), body.length - 1) };
  }
  const connection = connections[state.selected.connections];
  const facts = connection === undefined ? [] : evidenceLines(connection);
  const cells = facts.map(({ name, value, about }) => [name, value, about]);
  return table(FACT_COLUMNS, cells, selected, () => undefined, size, paint);
}

const STYLE: Readonly<Record<string, Style>> = { closed: "dim", failed: "red", opening: "yellow" };

const FACT_COLUMNS: readonly LayoutColumn[] = ["FIELD", "VALUE", "WHICH MEANS"].map((title, i) => ({
  title,
  alignRight: false,
  dropOrder: i === 2 ? 1 : undefined,
  usual: i === 2 ? "" : undefined,
}));

function table(
  columns: readonly LayoutColumn[],
  cells: Parameters<typeof renderTable>[1],
  selected: number,
  style: (index: number) => Style | undefined,
  size: Size,
  paint: Paint,
): List {
  const width = size.columns - GUTTER;
  const styled = (i: number): Style | undefined => (i === selected ? "bold" : style(i));
  const { head, body } = renderTable(columns, cells, { width, paint, style: styled });
  return { head: `  ${head}`, body: body.map((line, i) => `${i === selected ? "> " : "  "}${line}`), selected };
}

function heading({ state, report, grouping, groups, connections }: Scene, size: Size, paint: Paint): string[] {
  const paused = state.paused ? " · paused" : "";
  if (report === undefined) return [paint("bold", cut("conntrail top · looking …", size.columns)), ""];
  const { health, window, host } = report;
  const { startMs, endMs } = report.raw.window;
  const lasts = formatDuration(endMs - startMs);
  const title = `conntrail top · ${printable(host.name)} · ${clock(window.end)} · the last ${lasts}${paused}`;
  const told = state.level === "groups" ? totals(groups) : within(state, grouping, groups, connections.length);
  const ailing = (["conntrack", "sockets", "trace"] as const)
    .filter((part) => health[part].state !== "ok" && health[part].reason !== "switched-off")
    .map((part) => `${part} ${health[part].state}: ${health[part].reason}`)
    .join(", ");
  const second = cut(ailing === "" ? told : `${told} · ${ailing}`, size.columns);
  return [paint("bold", cut(title, size.columns)), ailing === "" ? second : paint("yellow", second)];
}

/** Hours, minutes and seconds of a time in UTC. */
function clock(time: string | null): string {
  return time === null ? "time unknown" : `${time.slice(11, 19)}Z`;
}

function totals(groups: readonly KeptGroup[]): string {
  const sum = { connections: 0, open: 0, opened: 0, closed: 0, failed: 0 };
  for (const { group } of groups) {
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += group[name];
  }
  const { connections, open, opened, closed, failed } = sum;
  return `${connections} connections: ${open} open, ${opened} opened, ${closed} closed, ${failed} failed`;
}

function within(state: TopState, grouping: Grouping, groups: readonly KeptGroup[], connections: number): string {
  const open = groups[state.selected.groups]?.group;
  const named = open === undefined ? "" : grouping.keys.map((name, i) => `${name} ${String(open.keys[i])}`).join(", ");
  const what =
    state.level === "evidence" || state.level === "why"
      ? `connection ${state.selected.connections + 1} of ${connections}`
      : `${connections} rows`;
  return `${printable(named)}: ${what}`;
}

function bottom(
  { state, complaint }: Scene,
  size: Size,
  paint: Paint,
  { from, shown, of }: { readonly from: number; readonly shown: number; readonly of: number },
): string {
  if (complaint !== undefined) return paint("red", cut(printable(complaint), size.columns));
  if (state.typing !== undefined) return cut(`filter: ${printable(state.typing)}_`, size.columns);
  const place = of > shown ? `${from + 1}-${from + shown} of ${of} · ` : "";
  const filter = state.filter === "" ? "" : ` · filter ${printable(state.filter)}`;
  const now = `${place}by ${state.by} · sort ${state.sort}${filter}`;
  const keys = "q quit  ? keys";
  const room = size.columns - keys.length - 2;
  return room < 10 ? cut(now, size.columns) : paint("dim", `${cut(now, room).padEnd(room)}  ${keys}`);
}

function helpList(): List {
  return { head: "  KEYS", body: HELP.map((line) => `  ${line}`), selected: 0 };
}

const HELP = [
  "up down j k     select       PgUp PgDn Home End   further",
  "Enter           open: a group's connections, a connection's evidence, why it says so",
  "Esc             back",
  "/               filter: an expression, a port, an address or a process",
  "s               next order   r   order anew: until then rows keep their place",
  "b               next grouping",
  "space p         pause",
  "q               quit",
] as const;
