/**
 * The fields that can be asked for: each member of a connection of `conntrail.report/1` by its path, as it lies in the columns, and
 * a few that follow from others. A new member of the report gets its line here.
 */
import {
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  type ConnectionColumns,
  EVIDENCE,
  FAMILY,
  NAT_KIND,
  protocolName,
  SOURCE,
  TCP_END,
  TCP_FACT,
  TCP_FACT_DOUBLES,
  toPort,
  tunnelName,
} from "@conntrail/model";
import { readJson } from "./bound.ts";
import { endFields, field, type Read } from "./end-fields.ts";
import { exactFields } from "./exact-fields.ts";
import { isoOf } from "./iso-time.ts";
import { masterFields } from "./master-fields.ts";
import { isTranslated, natKind, viaFields, visibleFields } from "./nat-fields.ts";
import { type Services, serviceName } from "./services.ts";
import type { Table } from "./table.ts";
import type { Kind, Value } from "./value.ts";

/** A field. */
export interface Field {
  readonly path: string;
  readonly kind: Kind;
  /** The only words it can hold. */
  readonly words?: readonly string[];
  /** What it is, for help and completion. */
  readonly about: string;
  /** What a JSON row without the member means; null when not given. */
  readonly absent?: Value;
  /** Its value in row `row` of the columns. */
  read(table: Table, row: number): Value;
  /** Where an address lies in the columns. */
  readonly words4?: (columns: ConnectionColumns) => Uint32Array;
  /** How it follows from other fields; undefined for a member of the JSON. */
  readonly derive?: (get: (path: string) => Value) => Value;
}

const FLAG_WORDS = ["transit", "aggregated", "offloaded", "expected", "stale", "endUnseen", "selfTraffic"] as const;
const SOURCE_WORDS = ["conntrack", "sockets"] as const;
const NAT_WORDS = NAT_KIND.filter((word) => word !== "none");

/** The members of a connection, in the order of the report. */
const MEMBERS: readonly Field[] = [
  field("protocol", "text", "tcp, udp, …", ({ columns }, row) => protocolName(columns.protocol[row]!)),
  field(
    "family",
    "text",
    "ipv4 or ipv6",
    ({ columns }, row) => (columns.family[row] === FAMILY.ipv6 ? "ipv6" : "ipv4"),
    { words: ["ipv4", "ipv6"] },
  ),
  field("netns", "number", "inode of the namespace", ({ columns }, row) => columns.netns[row]! || null),
  field("netnsName", "text", "name of the namespace", ({ columns, netnsNames }, row) => {
    const netns = columns.netns[row]!;
    return netnsNames?.find((named) => named.netns === netns)?.name ?? null;
  }),
  ...endFields("from", "the side that opened it"),
  ...endFields("to", "the side that was called"),
  field(
    "direction.evidence",
    "text",
    "how the direction is known",
    ({ columns }, row) => EVIDENCE[columns.evidence[row]!]!,
    {
      words: EVIDENCE,
    },
  ),
  field(
    "direction.confidence",
    "text",
    "how far it can be trusted",
    ({ columns }, row) => CONFIDENCE[columns.confidence[row]!]!,
    { words: CONFIDENCE },
  ),
  field(
    "sources",
    "texts",
    "conntrack, sockets, or both",
    ({ columns }, row) => SOURCE_WORDS.filter((word) => columns.sources[row]! & SOURCE[word]),
    { words: SOURCE_WORDS },
  ),
  field(
    "state",
    "text",
    "established, closed, failed, …",
    ({ columns }, row) => CONNECTION_STATE[columns.state[row]!]!,
    {
      words: CONNECTION_STATE,
    },
  ),
  field("count", "number", "connections that the row stands for", ({ columns }, row) => columns.count[row]!),
  field("nat", "part", "what the kernel rewrote", (table, row) => (isTranslated(table, row) ? "nat" : null)),
  field("nat.kind", "text", "dnat, snat, …", (table, row) => natKind(table, row), { words: NAT_WORDS }),
  ...visibleFields(),
  field("firstSeen", "time", "when it began", ({ columns }, row) => isoOf(columns.firstSeenMs[row]!)),
  field("lastSeen", "time", "when it was last seen", ({ columns }, row) => isoOf(columns.lastSeenMs[row]!)),
  field("id", "number", "tells it from every other connection", ({ columns }, row) => columns.id[row]!),
  ...viaFields(),
  ...masterFields(),
  field(
    "tunnel",
    "text",
    "vxlan, gre, …, for what carries other packets",
    ({ columns }, row) => tunnelName(columns.protocol[row]!, toPort(columns, row)) ?? null,
  ),
  field("zone", "number", "conntrack zone", ({ columns }, row) => columns.zone[row]!, { absent: 0 }),
  field("mark", "number", "conntrack mark", ({ columns }, row) => columns.mark[row]!, { absent: 0 }),
  field("counters", "part", "bytes and packets, where the kernel counts", ({ columns }, row) =>
    columns.originalPackets[row]! >= 0 ? "counters" : null,
  ),
  counter("counters.original.packets", "originalPackets"),
  counter("counters.original.bytes", "originalBytes"),
  counter("counters.reply.packets", "replyPackets"),
  counter("counters.reply.bytes", "replyBytes"),
  ...exactFields(),
  field("tcp", "part", "what the socket at one end says", (table, row) =>
    tcpFact(table, row, TCP_FACT.end) === null ? null : "tcp",
  ),
  tcpField("tcp.originalBytes", TCP_FACT.originalBytes, "payload from the opener"),
  tcpField("tcp.replyBytes", TCP_FACT.replyBytes, "payload from the server"),
  tcpField("tcp.rttMicros", TCP_FACT.rttMicros, "round-trip time, microseconds"),
  tcpField("tcp.retransmits", TCP_FACT.retransmits, "segments sent again"),
  field(
    "tcp.end",
    "text",
    "whose socket it was",
    (table, row) => {
      const end = tcpFact(table, row, TCP_FACT.end);
      return end === null ? null : (TCP_END[end] ?? "from");
    },
    { words: TCP_END },
  ),
  field("tcp.measuredAt", "time", "when that socket was read", (table, row) => {
    const timeMs = tcpFact(table, row, TCP_FACT.measuredMs);
    return timeMs === null ? null : isoOf(timeMs);
  }),
  field(
    "flags",
    "texts",
    "transit, aggregated, …",
    ({ columns }, row) => FLAG_WORDS.filter((word) => columns.flags[row]! & CONNECTION_FLAG[word]),
    { words: FLAG_WORDS, absent: [] },
  ),
];

const MEMBER = new Map(MEMBERS.map((each) => [each.path, each]));

/** What can be asked for: the members of a connection, and what follows from them. */
export class Fields {
  /** Every field, in the order of the report. */
  readonly all: readonly Field[];
  readonly #byPath: ReadonlyMap<string, Field>;

  /** `services`: names of ports, for the field `service`. */
  constructor(services: Services = new Map()) {
    this.all = [...MEMBERS, ...derivedFields(services)];
    this.#byPath = new Map(this.all.map((each) => [each.path, each]));
  }

  /** The field of that path. */
  get(path: string): Field | undefined {
    return this.#byPath.get(path);
  }

  /** The value of a field in a connection as JSON, or as a view of the library; null where there is none. Throws RangeError for a path that is none. */
  read(path: string, connection: object): Value {
    const known = this.get(path);
    if (known === undefined) throw new RangeError(`field: there is no ${path}`);
    return readJson(known, connection);
  }

  /** Every path: for suggestions. */
  get paths(): string[] {
    return [...this.#byPath.keys()];
  }
}

function derivedFields(services: Services): Field[] {
  return [
    derived("bytes", "number", "bytes both ways", (get) =>
      sum(get("counters.original.bytes"), get("counters.reply.bytes")),
    ),
    derived("packets", "number", "packets both ways", (get) =>
      sum(get("counters.original.packets"), get("counters.reply.packets")),
    ),
    derived("service", "text", "name of the port that was called, or protocol/port", (get) =>
      serviceName(services, get("protocol") as string, get("to.port") as number, get("direction.confidence") as string),
    ),
  ];
}

function derived(path: string, kind: Kind, about: string, derive: NonNullable<Field["derive"]>): Field {
  const read: Read = (table, row) => derive((of) => MEMBER.get(of)!.read(table, row));
  return { path, kind, about, read, derive };
}

/** A double of a row's record; null without one. */
function tcpFact({ columns, tcp }: Table, row: number, offset: number): number | null {
  const place = columns.tcp[row]!;
  return place === 0 ? null : (tcp?.[(place - 1) * TCP_FACT_DOUBLES + offset] ?? null);
}

function tcpField(path: string, offset: number, about: string): Field {
  return field(path, "number", about, (table, row) => {
    const value = tcpFact(table, row, offset);
    return value === null || value < 0 ? null : value;
  });
}

function counter(path: string, column: "originalPackets" | "originalBytes" | "replyPackets" | "replyBytes"): Field {
  const what = path.endsWith("bytes") ? "bytes" : "packets";
  const about = `${what} ${path.includes("original") ? "from the opener" : "from the server"}`;
  return field(path, "number", about, ({ columns }, row) =>
    columns.originalPackets[row]! >= 0 ? columns[column][row]! : null,
  );
}

function sum(a: Value, b: Value): Value {
  return typeof a === "number" && typeof b === "number" ? a + b : null;
}
