/** The questions of sql/0003-questions.sql to 0005-talks.sql by name, for those who do not write SQL: `conntrail store query NAME` and `conntrail history`. */
import type { OpenStore } from "./open-store.ts";
import { toStoreError } from "./store-error.ts";

/** What can be asked. */
export const QUESTIONS = {
  edges: "connections with the process at both ends, joined over the hosts that saw them",
  callers: "who calls a service, from sums: of five minutes, or of hours when more than two days are asked for",
  services: "what is served, by whom, and how often it is called",
  unknown: "halves of connections without a partner, and why",
  new: "callers of services that had not called them before",
  talks: "who talked to whom, whether both ends told of it or one",
  history: "connections as their hosts told them",
} as const;
export type Question = keyof typeof QUESTIONS;

/** What a question is about. Times are Unix milliseconds. */
export interface Asked {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** For `new`: since when a caller counts as known. Default: a day before `sinceMs`. */
  readonly baselineMs?: number;
  /** By how much clocks of two hosts may differ. Default 2,000 ms. */
  readonly skewMs?: number;
  /** Only this service. */
  readonly port?: number;
  readonly address?: string;
  /** Only where a process of this name is at an end. */
  readonly process?: string;
  /** Rows at the most. Default 1,000. */
  readonly limit?: number;
}

/** The default bound on how wrong clocks are against one another. */
export const DEFAULT_SKEW_MS = 2000;

/** Longest stretch over which sums of five minutes are read. */
const FINE_MS = 2 * 86_400_000;
const CALLERS = "callers_5m(since = {since:DateTime}, until = {until:DateTime})";

const SOURCES: Readonly<
  Record<
    Question,
    {
      readonly from: string;
      readonly process: string;
      readonly port: string;
      readonly address: string;
      readonly order: string;
    }
  >
> = {
  edges: {
    from: "edges(since = {since:DateTime}, until = {until:DateTime}, skew_ms = {skew:UInt32})",
    process: "client_process = {process:String} OR server_process = {process:String}",
    port: "server_port = {port:UInt16} OR called_port = {port:UInt16}",
    address:
      "server_address = toIPv6({address:String}) OR called_address = toIPv6({address:String}) OR client_address = toIPv6({address:String})",
    order: "first_seen, client_address, client_port",
  },
  callers: {
    from: CALLERS,
    process: "has(from_processes, {process:String}) OR to_process = {process:String}",
    port: "to_port = {port:UInt16}",
    address: "to_address = toIPv6({address:String}) OR from_address = toIPv6({address:String})",
    order: "opened DESC, from_address, to_port",
  },
  services: {
    from: "services(since = {since:DateTime}, until = {until:DateTime})",
    process: "process = {process:String}",
    port: "port = {port:UInt16}",
    address: "address = toIPv6({address:String})",
    order: "opened DESC, port, address",
  },
  unknown: {
    from: "unknown(since = {since:DateTime}, until = {until:DateTime}, skew_ms = {skew:UInt32})",
    process: "process = {process:String}",
    port: "to_port = {port:UInt16}",
    address: "to_address = toIPv6({address:String}) OR from_address = toIPv6({address:String})",
    order: "first_seen, from_address, from_port",
  },
  new: {
    from: "new_edges(baseline = {baseline:DateTime}, since = {since:DateTime}, until = {until:DateTime})",
    process: "from_process = {process:String}",
    port: "to_port = {port:UInt16}",
    address: "to_address = toIPv6({address:String}) OR from_address = toIPv6({address:String})",
    order: "since_bucket, to_port, from_address",
  },
  talks: {
    from: "talks(since = {since:DateTime}, until = {until:DateTime}, skew_ms = {skew:UInt32})",
    process: "from_process = {process:String} OR to_process = {process:String}",
    port: "to_port = {port:UInt16} OR called_port = {port:UInt16}",
    address:
      "to_address = toIPv6({address:String}) OR called_address = toIPv6({address:String}) OR from_address = toIPv6({address:String})",
    order: "first_seen, from_address, from_port",
  },
  history: {
    from: "(SELECT *, last_seen FROM connections WHERE time >= {since:DateTime} AND time < {until:DateTime})",
    process: "from_process = {process:String} OR to_process = {process:String}",
    port: "to_port = {port:UInt16} OR visible_to_port = {port:UInt16}",
    address: "to_address = toIPv6({address:String}) OR from_address = toIPv6({address:String})",
    order: "time, first_seen, from_address, from_port",
  },
};

/** The statement and its parameters. */
function statementOf(
  question: Question,
  asked: Asked,
): { readonly query: string; readonly params: Record<string, unknown> } {
  const { from: source, order, ...filters } = SOURCES[question];
  const isLong = asked.untilMs - asked.sinceMs > FINE_MS;
  const from = isLong ? source.replace("callers_5m", "callers_1h") : source;
  const wheres = (["process", "port", "address"] as const)
    .filter((name) => asked[name] !== undefined)
    .map((name) => `(${filters[name]})`);
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return {
    query: `SELECT * FROM ${from}${wheres.length > 0 ? ` WHERE ${wheres.join(" AND ")}` : ""} ORDER BY ${order} LIMIT {limit:UInt32}`,
    params: {
      since: seconds(asked.sinceMs),
      until: seconds(asked.untilMs),
      baseline: seconds(asked.baselineMs ?? asked.sinceMs - 86_400_000),
      skew: asked.skewMs ?? DEFAULT_SKEW_MS,
      limit: asked.limit ?? 1000,
      ...(asked.process !== undefined && { process: asked.process }),
      ...(asked.port !== undefined && { port: asked.port }),
      ...(asked.address !== undefined && { address: asked.address }),
    },
  };
}

/** Asks, and gives the rows as objects. IPv4 addresses come as themselves. Throws `StoreError`. */
export async function ask(store: OpenStore, question: Question, asked: Asked): Promise<Record<string, unknown>[]> {
  const { query, params } = statementOf(question, asked);
  try {
    const result = await store.client.query({ query, query_params: params, format: "JSONEachRow" });
    const rows = await result.json<Record<string, unknown>>();
    return rows.map(plainAddresses);
  } catch (error) {
    throw toStoreError(error);
  }
}

/** IPv4-mapped addresses as IPv4: what people read. */
function plainAddresses(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      name.endsWith("address") && typeof value === "string" ? value.replace(/^::ffff:(?=\d+\.)/, "") : value,
    ]),
  );
}
