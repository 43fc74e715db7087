/** The answer of `conntrail history` as a table: who talked to whom, for which service, connections of the same two summed up. */
import { printable } from "@conntrail/model";
import { type Cell, formatBytes, type LayoutColumn, painter, renderTable } from "@conntrail/report";
import type { Terminal } from "./terminal.ts";

/** A row of the view `talks`, as the store gives it: numbers of 64 bits are text. */
export interface Talk {
  readonly protocol: string;
  readonly from_host: string;
  readonly from_process: string;
  readonly from_address: string;
  readonly to_host: string;
  readonly to_process: string;
  readonly to_address: string;
  readonly to_port: number;
  readonly called_address: string;
  readonly called_port: number;
  readonly via: readonly string[];
  readonly first_seen: string;
  readonly last_seen: string;
  readonly failed: string | number;
  readonly from_bytes: string | number;
  readonly to_bytes: string | number;
}

interface Pair {
  readonly first: Talk;
  connections: number;
  failed: number;
  bytes: number;
  since: string;
  until: string;
}

/** Lines of the table, the pair with most connections first. */
export function talksTable(talks: readonly Talk[], { columns, color }: Terminal): string {
  const pairs = new Map<string, Pair>();
  for (const talk of talks) {
    const key = [ours(talk, "from"), ours(talk, "to"), talk.protocol, talk.to_port, talk.called_address].join(" ");
    const pair = pairs.get(key) ?? newPair(talk);
    pair.connections++;
    pair.failed += Number(talk.failed);
    pair.bytes += Number(talk.from_bytes) + Number(talk.to_bytes);
    if (talk.first_seen < pair.since) pair.since = talk.first_seen;
    if (talk.last_seen > pair.until) pair.until = talk.last_seen;
    pairs.set(key, pair);
  }
  const sorted = [...pairs.values()].sort((a, b) => b.connections - a.connections || b.bytes - a.bytes);
  const { head, body } = renderTable(COLUMNS, sorted.map(cells), { width: columns, paint: painter(color === true) });
  return `${[head, ...body].join("\n")}\n`;
}

function newPair(first: Talk): Pair {
  return { first, connections: 0, failed: 0, bytes: 0, since: first.first_seen, until: first.last_seen };
}

/** An end: its process and host where it told of itself, else its address. */
function ours(talk: Talk, end: "from" | "to"): string {
  const [host, name, address] = [talk[`${end}_host`], talk[`${end}_process`], talk[`${end}_address`]];
  if (host === "") return name === "" ? address : `${name} ${address}`;
  return `${name === "" ? address : name} @ ${host}`;
}

function cells({ first, connections, failed, bytes, since, until }: Pair): Cell[] {
  const called = first.called_address === first.to_address ? "" : `${first.called_address}:${first.called_port}`;
  const passed = [called, ...first.via].filter((part) => part !== "").join(" ");
  return [
    printable(ours(first, "from")),
    printable(ours(first, "to")),
    `${first.to_port}/${first.protocol}`,
    printable(passed),
    String(connections),
    String(failed),
    bytes === 0 ? "" : formatBytes(bytes),
    clock(since),
    clock(until),
  ];
}

/** The store's times are UTC without saying so; people read their own clock. */
function clock(time: string): string {
  const at = new Date(`${time.replace(" ", "T")}Z`);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

const plain = { alignRight: false, dropOrder: undefined, usual: undefined } as const;
const number = { ...plain, alignRight: true } as const;
const COLUMNS: readonly LayoutColumn[] = [
  { ...plain, title: "FROM" },
  { ...plain, title: "TO" },
  { ...plain, title: "SERVICE" },
  { ...plain, title: "THROUGH", dropOrder: 4, usual: "" },
  { ...number, title: "CONNECTIONS" },
  { ...number, title: "FAILED", dropOrder: 5, usual: "0" },
  { ...number, title: "BYTES", dropOrder: 3, usual: "" },
  { ...plain, title: "FIRST", dropOrder: 2 },
  { ...plain, title: "LAST", dropOrder: 1 },
];
