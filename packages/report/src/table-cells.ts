/** A connection as cells of a table: plain text, not yet aligned. */
import { type Confidence, printable } from "@conntrail/model";
import { formatBytes } from "./amounts.ts";
import type { Connection } from "./connection.ts";
import { formatDuration } from "./durations.ts";
import { addressText, endText, ownerText } from "./end-text.ts";
import type { NatJson } from "./json-shape.ts";
import type { Cell, LayoutColumn } from "./table-layout.ts";

/** A column of connections. */
export interface TableColumn extends LayoutColumn {
  cell(connection: Connection, endMs: number): Cell;
}

/** How far the direction can be trusted, between the ends it speaks of. */
const ARROW: Readonly<Record<Confidence, string>> = { certain: "->", likely: "~>", guess: "?>", none: "--" };

/** What the arrows mean; `certain` goes without saying. */
export const ARROW_MEANING: Readonly<Record<Exclude<Confidence, "certain">, string>> = {
  likely: "~> direction likely",
  guess: "?> direction guessed",
  none: "-- direction unknown",
};

const plain = { alignRight: false, dropOrder: undefined, usual: undefined } as const;
const number = { ...plain, alignRight: true } as const;

/** The columns, from left to right. */
export const TABLE_COLUMNS: readonly TableColumn[] = [
  { ...plain, title: "PROTO", dropOrder: 8, cell: ({ protocol }) => protocol },
  { ...plain, title: "STATE", dropOrder: 9, cell: ({ state }) => state },
  { ...plain, title: "FROM", cell: (connection) => side(connection, "from") },
  { ...plain, title: "", cell: ({ direction }) => ARROW[direction.confidence] },
  { ...plain, title: "TO", cell: (connection) => side(connection, "to") },
  { ...plain, title: "NAT", dropOrder: 6, usual: "", cell: natCell },
  { ...number, title: "BYTES", dropOrder: 5, usual: "", cell: bytesCell },
  { ...plain, title: "EVIDENCE", dropOrder: 2, cell: ({ direction }) => direction.evidence },
  { ...number, title: "AGE", dropOrder: 3, cell: ageCell },
  { ...number, title: "COUNT", dropOrder: 7, usual: "1", cell: ({ count }) => String(count) },
  { ...plain, title: "NOTES", dropOrder: 1, usual: "", cell: ({ flags }) => flags.join(",") },
];

/** The namespace: shown where there is more than one. */
export const NETNS_COLUMN: TableColumn = {
  ...number,
  title: "NETNS",
  dropOrder: 4,
  cell: ({ netns }) => String(netns ?? "?"),
};

/** Who and where, in forms that give up the pid, then the name, then the process, and never the address. */
function side(connection: Connection, end: "from" | "to"): string[] {
  const { owner, names, address, port } = connection[end];
  const named = endText(connection, end);
  const bare = addressText(connection, end, address, port);
  const who = ownerText(connection[end]);
  const short = owner === undefined ? who : owner.process;
  const forms =
    who === "" ? [named, bare] : [`${who} ${named}`, `${short} ${named}`, `${who} ${bare}`, `${short} ${bare}`, bare];
  return (names.length === 0 ? forms.filter((_, i) => who === "" || i >= 2) : forms).map(printable);
}

function bytesCell({ counters }: Connection): string {
  return counters === undefined ? "" : formatBytes(counters.original.bytes + counters.reply.bytes);
}

/** The kind of translation, and what the other side saw. */
function natCell(connection: Connection): Cell {
  const { nat } = connection;
  if (nat === null) return "";
  const { from, to } = nat.visible;
  const seen: Record<NatJson["kind"], string> = {
    dnat: addressText(connection, "to", to.address, to.port),
    redirect: addressText(connection, "to", to.address, to.port),
    snat: addressText(connection, "from", from.address, from.port),
    "dnat+snat": `${addressText(connection, "to", to.address, to.port)} ${addressText(connection, "from", from.address, from.port)}`,
  };
  return [`${nat.kind} ${seen[nat.kind]}`, nat.kind];
}

/** How long it has lived; of one that ended, how long it lived. */
function ageCell({ state, firstSeenMs, lastSeenMs }: Connection, endMs: number): string {
  const ended = state === "closed" || state === "failed";
  return formatDuration((ended ? lastSeenMs : endMs) - firstSeenMs);
}
