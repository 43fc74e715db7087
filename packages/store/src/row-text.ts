/** A connection of a report as a line of TabSeparated, in the order of COLUMNS: what goes to the server, and what waits in the spool. */
import type { End, Report } from "@conntrail/report";
import type { Telling } from "./tellings.ts";

/** Columns of the table `connections` that a row fills (sql/0001-connections.sql), in order. */
export const COLUMNS = [
  "time",
  "scope",
  "host",
  "host_name",
  "boot",
  "event",
  "protocol",
  "netns",
  "from_address",
  "from_port",
  "to_address",
  "to_port",
  "nat",
  "visible_from_address",
  "visible_from_port",
  "visible_to_address",
  "visible_to_port",
  "from_local",
  "to_local",
  "from_pid",
  "to_pid",
  "from_process",
  "to_process",
  "from_owner_reason",
  "to_owner_reason",
  "from_container",
  "to_container",
  "from_name",
  "to_name",
  "evidence",
  "confidence",
  "state",
  "transit",
  "aggregated",
  "self_traffic",
  "opened",
  "closed",
  "failed",
  "from_packets",
  "from_bytes",
  "to_packets",
  "to_bytes",
  "first_seen",
  "duration_ms",
] as const;

/** What stands before and after the rows' own facts in every line of a report. */
export interface RowContext {
  readonly scope: string;
  readonly boot: string;
}

const NO_NAT = { from: { address: "::", port: 0 }, to: { address: "::", port: 0 } } as const;

/** What the lines of one report have in common: the first six columns, each followed by a tab. */
export function linePrefix({ host, window }: Report, { scope, boot }: RowContext): string {
  const seconds = Math.floor(Date.parse(window.end ?? "") / 1000) || 0;
  return `${seconds}\t${escapeText(scope)}\t${escapeText(host.id)}\t${escapeText(host.name)}\t${boot}\t`;
}

/** The line of a connection, with its newline. */
export function rowText(prefix: string, { connection, event, news }: Telling): string {
  const { from, to, nat, count, flags, direction } = connection;
  const visible = nat?.visible ?? NO_NAT;
  return `${prefix}${event}\t${[
    connection.protocol,
    connection.netns ?? 0,
    from.address,
    from.port,
    to.address,
    to.port,
    nat?.kind ?? "none",
    visible.from.address,
    visible.from.port,
    visible.to.address,
    visible.to.port,
    bit(from.local),
    bit(to.local),
    from.pid ?? 0,
    to.pid ?? 0,
    escapeText(from.process ?? ""),
    escapeText(to.process ?? ""),
    from.ownerReason ?? "",
    to.ownerReason ?? "",
    from.owner?.containerId ?? "",
    to.owner?.containerId ?? "",
    firstName(from),
    firstName(to),
    direction.evidence,
    direction.confidence,
    connection.state,
    bit(flags.includes("transit")),
    bit(flags.includes("aggregated")),
    bit(flags.includes("selfTraffic")),
    news.isNew ? count : 0,
    event === "closed" ? count : 0,
    event === "failed" ? count : 0,
    news.fromPackets,
    news.fromBytes,
    news.toPackets,
    news.toBytes,
    Math.round(news.firstSeenMs) / 1000,
    Math.max(0, Math.round(connection.lastSeenMs - news.firstSeenMs)),
  ].join("\t")}\n`;
}

function bit(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

function firstName(end: End): string {
  return escapeText(end.names[0] ?? "");
}

/** Escapes what ends a value in TabSeparated. */
function escapeText(text: string): string {
  return /[\t\n\r\\\0]/.test(text) ? text.replace(/[\t\n\r\\\0]/g, (c) => ESCAPES[c]!) : text;
}

const ESCAPES: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "\0": "\\0" };
