/** A connection as cells of a table: plain text, not yet aligned. */
import type { Confidence } from "@conntrail/model";
import type { Connection } from "./connection.ts";
import { formatDuration } from "./durations.ts";
import { addressText, endText, ownerText } from "./end-text.ts";
import type { NatJson } from "./json-shape.ts";
import { printable } from "./text-cell.ts";

/** A column. */
export interface TableColumn {
  readonly title: string;
  readonly alignRight: boolean;
  /** May be shortened when the terminal is narrow. */
  readonly flexible: boolean;
  /** Place in the order in which columns go when the terminal is too narrow; undefined: it stays. */
  readonly dropOrder: number | undefined;
  /** The value that is not worth a column when every row has it. */
  readonly usual: string | undefined;
  cell(connection: Connection, endMs: number): string;
}

/** How far the direction can be trusted, between the ends it speaks of. */
const ARROW: Readonly<Record<Confidence, string>> = { certain: "->", likely: "~>", guess: "?>", none: "--" };

/** What the arrows mean; `certain` goes without saying. */
export const ARROW_MEANING: Readonly<Record<Exclude<Confidence, "certain">, string>> = {
  likely: "~> direction likely",
  guess: "?> direction guessed",
  none: "-- direction unknown",
};

const plain = { alignRight: false, flexible: false, dropOrder: undefined, usual: undefined } as const;
const number = { ...plain, alignRight: true } as const;
const text = { ...plain, flexible: true } as const;

/** The columns, from left to right. */
export const TABLE_COLUMNS: readonly TableColumn[] = [
  { ...plain, title: "PROTO", cell: ({ protocol }) => protocol },
  { ...plain, title: "STATE", cell: ({ state }) => state },
  { ...text, title: "FROM", cell: (connection) => side(connection, "from") },
  { ...plain, title: "", cell: ({ direction }) => ARROW[direction.confidence] },
  { ...text, title: "TO", cell: (connection) => side(connection, "to") },
  { ...text, title: "NAT", dropOrder: 5, usual: "", cell: natCell },
  { ...plain, title: "EVIDENCE", dropOrder: 2, cell: ({ direction }) => direction.evidence },
  { ...number, title: "AGE", dropOrder: 3, cell: ageCell },
  { ...number, title: "COUNT", dropOrder: 6, usual: "1", cell: ({ count }) => String(count) },
  { ...plain, title: "NOTES", dropOrder: 1, usual: "", cell: ({ flags }) => flags.join(",") },
];

/** The namespace: shown where there is more than one. */
export const NETNS_COLUMN: TableColumn = {
  ...number,
  title: "NETNS",
  dropOrder: 4,
  cell: ({ netns }) => String(netns ?? "?"),
};

function side(connection: Connection, end: "from" | "to"): string {
  const owner = ownerText(connection[end]);
  return printable(owner === "" ? endText(connection, end) : `${owner} ${endText(connection, end)}`);
}

/** The kind of translation, and what the other side saw. */
function natCell(connection: Connection): string {
  const { nat } = connection;
  if (nat === null) return "";
  const { from, to } = nat.visible;
  const seen: Record<NatJson["kind"], string> = {
    dnat: addressText(connection, "to", to.address, to.port),
    redirect: addressText(connection, "to", to.address, to.port),
    snat: addressText(connection, "from", from.address, from.port),
    "dnat+snat": `${addressText(connection, "to", to.address, to.port)} ${addressText(connection, "from", from.address, from.port)}`,
  };
  return `${nat.kind} ${seen[nat.kind]}`;
}

/** How long it has lived; of one that ended, how long it lived. */
function ageCell({ state, firstSeenMs, lastSeenMs }: Connection, endMs: number): string {
  const ended = state === "closed" || state === "failed";
  return formatDuration((ended ? lastSeenMs : endMs) - firstSeenMs);
}
