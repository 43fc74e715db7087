/** A report on its way between threads: columns move, the rest is one small object and two blocks that are parsed only when read. */
import {
  type ConnectionColumns,
  type HostFacts,
  type Master,
  type NetnsName,
  type Owner,
  type ReportContent,
  type ReportWindow,
  type SnapshotHealth,
  transferables,
} from "@conntrail/model";
import type { Elided } from "./elision.ts";
import type { RawReport } from "./raw-report.ts";
import { openRecords, type PackedRecords, packRecords } from "./records.ts";
import { type Report, viewReport } from "./report.ts";

/** What crosses. Plain data for `postMessage`. */
export interface PackedReport {
  readonly kind: "report";
  readonly sequence: number;
  readonly host: HostFacts;
  readonly window: ReportWindow;
  readonly health: SnapshotHealth;
  readonly columns: ConnectionColumns;
  readonly owners: PackedRecords;
  readonly names: PackedRecords;
  readonly devices: readonly string[];
  readonly masters: readonly Master[];
  readonly exact: readonly bigint[];
  readonly tcp: Float64Array | undefined;
  readonly netnsNames: readonly NetnsName[];
  readonly elided: Elided | undefined;
  readonly select: readonly string[] | undefined;
}

/** A message and the buffers to transfer with it. */
export interface Packed {
  readonly message: PackedReport;
  readonly transfer: ArrayBuffer[];
}

/** Longer by more than this fraction of its rows, an array is cut to them: a copy costs less than memory that travels empty. */
const TOLERATED_EXCESS = 0.25;

/** Packs a report. After the transfer the content's columns are empty. */
export function packReport(content: ReportContent & Pick<RawReport, "select">): Packed {
  const {
    sequence,
    host,
    window,
    health,
    devices = [],
    masters = [],
    exact = [],
    netnsNames = [],
    tcp,
    elided,
    select,
  } = content;
  const columns = ownedColumns(content.columns);
  const owners = packRecords(content.owners);
  const names = packRecords(content.names);
  const records = { owners, names, devices, masters, exact, netnsNames, tcp, elided, select };
  const message: PackedReport = { kind: "report", sequence, host, window, health, columns, ...records };
  const blocks = [owners.bytes, owners.offsets, names.bytes, names.offsets].map((view) => view.buffer);
  const facts = tcp === undefined ? [] : [tcp.buffer as ArrayBuffer];
  return { message, transfer: [...transferables(columns), ...blocks, ...facts] };
}

/** The report that was packed. It takes the message's buffers over. */
export function unpackReport(message: PackedReport): Report {
  const { sequence, host, window, health, columns, devices, masters, exact, netnsNames, tcp, elided, select } = message;
  const owners = openRecords<Owner>(message.owners);
  const names = openRecords<readonly string[]>(message.names);
  const records = { owners, names, devices, masters, exact, netnsNames, tcp };
  return viewReport({
    sequence,
    host,
    window,
    health,
    columns,
    ...records,
    ...(elided && { elided }),
    ...(select && { select }),
  });
}

type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The columns, each with a buffer of its own that is hardly longer than its rows. */
function ownedColumns(columns: ConnectionColumns): ConnectionColumns {
  const { length } = columns;
  const owned = Object.entries(columns).map(([name, column]) => [
    name,
    typeof column === "number" ? column : ownedColumn(column as Column, name in ADDRESSES ? length * 4 : length),
  ]);
  return Object.fromEntries(owned) as ConnectionColumns;
}

const ADDRESSES = { originalSource: 1, originalDestination: 1, replySource: 1, replyDestination: 1 };

function ownedColumn(column: Column, used: number): Column {
  const whole = column.byteLength === column.buffer.byteLength;
  return whole && column.length <= used * (1 + TOLERATED_EXCESS) ? column : column.slice(0, used);
}
