/** The rows of one batch as columns of the table `connections` (sql/0001-connections.sql): what goes to the server as one block of the format Native. */
import {
  AddressColumn,
  type NativeColumn,
  NumberColumn,
  nativeLength,
  nativeText,
  TextColumn,
} from "./native-column.ts";

/** Columns that a row fills, in the order of the table, with their types there. The lists are those of `@conntrail/model`. */
const TYPES = {
  time: "DateTime('UTC')",
  scope: "LowCardinality(String)",
  host: "LowCardinality(String)",
  host_name: "LowCardinality(String)",
  boot: "LowCardinality(String)",
  event: "Enum8('live' = 1, 'closed' = 2, 'failed' = 3)",
  protocol: "LowCardinality(String)",
  netns: "UInt32",
  from_address: "IPv6",
  from_port: "UInt16",
  to_address: "IPv6",
  to_port: "UInt16",
  nat: "Enum8('none' = 0, 'dnat' = 1, 'snat' = 2, 'dnat+snat' = 3, 'redirect' = 4)",
  visible_from_address: "IPv6",
  visible_from_port: "UInt16",
  visible_to_address: "IPv6",
  visible_to_port: "UInt16",
  from_local: "Bool",
  to_local: "Bool",
  from_pid: "UInt32",
  to_pid: "UInt32",
  from_process: "LowCardinality(String)",
  to_process: "LowCardinality(String)",
  from_owner_reason: "LowCardinality(String)",
  to_owner_reason: "LowCardinality(String)",
  from_container: "LowCardinality(String)",
  to_container: "LowCardinality(String)",
  from_name: "LowCardinality(String)",
  to_name: "LowCardinality(String)",
  evidence: "Enum8('none' = 0, 'conntrack' = 1, 'listener' = 2, 'ephemeral-port' = 3, 'port-order' = 4)",
  confidence: "Enum8('none' = 0, 'guess' = 1, 'likely' = 2, 'certain' = 3)",
  state:
    "Enum8('unknown' = 0, 'opening' = 1, 'unreplied' = 2, 'established' = 3, 'closing' = 4, 'closed' = 5, 'failed' = 6)",
  transit: "Bool",
  aggregated: "Bool",
  self_traffic: "Bool",
  opened: "UInt32",
  closed: "UInt32",
  failed: "UInt32",
  from_packets: "UInt64",
  from_bytes: "UInt64",
  to_packets: "UInt64",
  to_bytes: "UInt64",
  first_seen: "DateTime64(3, 'UTC')",
  duration_ms: "UInt64",
} as const;

/** Names of the columns that a row fills, in the order of the table. */
export const COLUMNS: readonly ColumnName[] = Object.keys(TYPES) as ColumnName[];
export type ColumnName = keyof typeof TYPES;

/** The same with their types, as ClickHouse writes the columns of a table. */
export const TYPED_COLUMNS: string = COLUMNS.map((name) => `${name} ${TYPES[name]}`).join(", ");

/** A column for each name, of the kind that its type takes. */
export type RowColumns = {
  readonly [Name in ColumnName]: (typeof TYPES)[Name] extends "IPv6"
    ? AddressColumn
    : (typeof TYPES)[Name] extends "LowCardinality(String)"
      ? TextColumn
      : NumberColumn;
};

/** Bytes of a number by its type; those of a closed list are one. */
const WIDTHS: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  UInt16: 2,
  UInt32: 4,
  UInt64: 8,
  "DateTime('UTC')": 4,
  "DateTime64(3, 'UTC')": 8,
};

function newColumn(type: string): NativeColumn {
  if (type === "IPv6") return new AddressColumn();
  if (type === "LowCardinality(String)") return new TextColumn();
  return new NumberColumn(type, WIDTHS[type] ?? 1);
}

/** Rows under way. Whoever adds one pushes to every column and counts it in `rows`. */
export class RowBlock {
  readonly columns: RowColumns = Object.fromEntries(
    COLUMNS.map((name) => [name, newColumn(TYPES[name])]),
  ) as unknown as RowColumns;
  rows = 0;

  /** The block's bytes, in pieces that stay valid until the next row. */
  *pieces(): Generator<Uint8Array> {
    yield nativeLength(COLUMNS.length);
    yield nativeLength(this.rows);
    for (const name of COLUMNS) {
      const column: NativeColumn = this.columns[name];
      yield nativeText(name);
      yield nativeText(column.type);
      yield* column.pieces(this.rows);
    }
  }
}
