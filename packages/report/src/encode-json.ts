/**
 * A report as JSON of schema `conntrail.report/1`: byte for byte what `JSON.stringify(report)` gives, written straight from the columns.
 */
import {
  CONNECTION_FLAG,
  type ConnectionColumns,
  fromPort,
  toPort,
  tunnelName,
  visibleFromPort,
  visibleToPort,
} from "@conntrail/model";
import { ByteWriter, fragment } from "./byte-writer.ts";
import { viewConnection } from "./connection.ts";
import { bothElided, elidedRows, heaviestFirst, type LimitOption, shownRows } from "./elision.ts";
import { exactJson } from "./exact-json.ts";
import { processesJson } from "./header-json.ts";
import {
  DIRECTION,
  FLAGS,
  FLAGS_MASK,
  HEAD,
  headIndex,
  NAT,
  REASON,
  type RecordFragments,
  reasonIndex,
  recordFragments,
  SOURCES_STATE,
} from "./json-fragments.ts";
import { type RawReport, rawOf } from "./raw-report.ts";
import { type Report, reportHeader } from "./report.ts";
import { selectionOf } from "./selection.ts";
import { tcpJson } from "./tcp-json.ts";
import { putTime } from "./time.ts";
import { putAddress } from "./write-address.ts";

/** Options of `encodeJson()`. */
export interface JsonOptions extends LimitOption {
  /** Indented by two spaces, for people. Default: one line, without a newline at its end. */
  readonly pretty?: boolean | undefined;
}

/** Bytes guessed for a connection, and for what stands before them. */
export const TYPICAL_BYTES = 640;
const PRETTY_BYTES = 1500;
export const HEADER_BYTES = 4096;

/** Encodes a report. The bytes are a view from the start of a buffer of their own. Throws `RangeError` for a limit that is none. */
export function encodeJson(report: RawReport | Report, options: JsonOptions = {}): Uint8Array<ArrayBuffer> {
  const raw = heaviestFirst(rawOf(report), options);
  const shown = shownRows(raw.columns.length, options);
  return options.pretty === true ? encodePretty(raw, shown) : encodeLine(raw, shown);
}

function encodeLine(raw: RawReport, shown: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEADER_BYTES + shown * TYPICAL_BYTES);
  const elided = bothElided(raw.elided, elidedRows(raw.columns, shown));
  writer.putText(`${JSON.stringify(reportHeader(raw)).slice(0, -1)},"connections":[`);
  const put = rowWriter(writer, raw);
  for (let row = 0; row < shown; row++) {
    if (row > 0) writer.putByte(COMMA);
    put(row);
  }
  writer.putText(`],"processes":${JSON.stringify(processesJson(raw, shown))}`);
  if (elided !== undefined) writer.putText(`,"elided":${JSON.stringify(elided)}`);
  writer.putText("}");
  return writer.finish();
}

/** Connection by connection: a string of the whole could be longer than a string may be. */
function encodePretty(raw: RawReport, shown: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEADER_BYTES + shown * PRETTY_BYTES);
  const indented = (value: unknown, spaces: string): string =>
    JSON.stringify(value, null, 2).replaceAll("\n", `\n${spaces}`);
  const elided = bothElided(raw.elided, elidedRows(raw.columns, shown));
  const selection = selectionOf(raw);
  writer.putText(`${JSON.stringify(reportHeader(raw), null, 2).slice(0, -2)},\n  "connections": [`);
  for (let row = 0; row < shown; row++) {
    const connection = viewConnection(raw, row);
    const shape = selection?.of(connection) ?? connection;
    writer.putText(`${row === 0 ? "" : ","}\n    ${indented(shape, "    ")}`);
  }
  writer.putText(`${shown === 0 ? "" : "\n  "}],\n  "processes": ${indented(processesJson(raw, shown), "  ")}`);
  if (elided !== undefined) writer.putText(`,\n  "elided": ${indented(elided, "  ")}`);
  writer.putText("\n}");
  return writer.finish();
}

const COMMA = 0x2c;
const CLOSE = 0x7d;
const FROM = fragment(',"from":{"address":"');
const TO = fragment('},"to":{"address":"');
const PORT = fragment('","port":');
const VISIBLE_TO = fragment('},"to":{"address":"');
const AFTER_VISIBLE = fragment('}}},"firstSeen":');
const LAST_SEEN = fragment(',"lastSeen":');
const NULL = fragment("null");
const ID = fragment(',"id":');
const ZONE = fragment(',"zone":');
const MARK = fragment(',"mark":');
const ORIGINAL_PACKETS = fragment(',"counters":{"original":{"packets":');
const BYTES = fragment(',"bytes":');
const REPLY_PACKETS = fragment('},"reply":{"packets":');
const EXACT = fragment(',"exact":');

/** What writes the object of each connection: whole ones from the columns, of others what is selected. */
export function rowWriter(writer: ByteWriter, raw: RawReport): (row: number) => void {
  const selection = selectionOf(raw);
  if (selection !== undefined) return (row) => writer.putText(JSON.stringify(selection.of(viewConnection(raw, row))));
  const records = recordFragments(raw);
  return (row) => putConnection(writer, raw, row, records);
}

function putConnection(writer: ByteWriter, raw: RawReport, row: number, records: RecordFragments): void {
  const { columns } = raw;
  const flags = columns.flags[row]!;
  const nat = columns.nat[row]!;
  const netns = columns.netns[row]!;
  writer.put(HEAD(headIndex(columns.protocol[row]!, columns.family[row]!)));
  if (netns === 0) writer.put(NULL);
  else {
    writer.putUnsigned(netns);
    const name = records.netnsName.get(netns);
    if (name !== undefined) writer.put(name);
  }

  writer.put(FROM);
  putAddress(writer, columns.originalSource, row * 4);
  writer.put(PORT);
  writer.putUnsigned(fromPort(columns, row));
  const fromLocal = flags & CONNECTION_FLAG.fromLocal ? 1 : 0;
  const isFromTraced = (flags & CONNECTION_FLAG.fromTraced) !== 0;
  const fromReason = reasonIndex(columns.fromOwner[row]!, columns.fromReason[row]!, isFromTraced);
  putEnd(writer, records, columns.fromOwner[row]!, fromLocal, columns.fromNames[row]!, fromReason);
  if (columns.fromDevice[row] !== 0) writer.put(records.device(columns.fromDevice[row]!));

  writer.put(TO);
  putAddress(writer, columns.replySource, row * 4);
  writer.put(PORT);
  writer.putUnsigned(toPort(columns, row));
  const toLocal = flags & CONNECTION_FLAG.toLocal ? 1 : 0;
  const isToTraced = (flags & CONNECTION_FLAG.toTraced) !== 0;
  const toReason = reasonIndex(columns.toOwner[row]!, columns.toReason[row]!, isToTraced);
  putEnd(writer, records, columns.toOwner[row]!, toLocal, columns.toNames[row]!, toReason);
  if (columns.toDevice[row] !== 0) writer.put(records.device(columns.toDevice[row]!));

  writer.put(DIRECTION((columns.evidence[row]! << 2) | columns.confidence[row]!));
  writer.put(SOURCES_STATE((columns.sources[row]! << 4) | columns.state[row]!));
  writer.putUnsigned(columns.count[row]!);
  writer.put(NAT(nat));
  if (nat !== 0) putVisible(writer, columns, row);
  putTime(writer, columns.firstSeenMs[row]!);
  writer.put(LAST_SEEN);
  putTime(writer, columns.lastSeenMs[row]!);
  writer.put(ID);
  putNumber(writer, columns.id[row]!);
  putFurther(writer, raw, row, records);
  if (columns.tcp[row] !== 0) putTcp(writer, raw, row);
  writer.put(FLAGS(flags & FLAGS_MASK));
  writer.putByte(CLOSE);
}

function putEnd(
  writer: ByteWriter,
  records: RecordFragments,
  owner: number,
  local: number,
  names: number,
  reason: number,
): void {
  writer.put(records.owner((owner << 1) | local));
  writer.put(records.names(names));
  writer.put(REASON(reason));
  if (owner !== 0) writer.put(records.identity(owner));
}

function putVisible(writer: ByteWriter, columns: ConnectionColumns, row: number): void {
  putAddress(writer, columns.replyDestination, row * 4);
  writer.put(PORT);
  writer.putUnsigned(visibleFromPort(columns, row));
  writer.put(VISIBLE_TO);
  putAddress(writer, columns.originalDestination, row * 4);
  writer.put(PORT);
  writer.putUnsigned(visibleToPort(columns, row));
  writer.put(AFTER_VISIBLE);
}

function putFurther(writer: ByteWriter, raw: RawReport, row: number, records: RecordFragments): void {
  const { columns } = raw;
  const via = columns.via[row]!;
  if (via !== 0) writer.put(records.via(via));
  const master = columns.master[row]! === 0 ? undefined : raw.masters?.[columns.master[row]! - 1];
  if (master !== undefined) writer.putText(`,"master":${JSON.stringify(master)}`);
  const tunnel = tunnelName(columns.protocol[row]!, toPort(columns, row));
  if (tunnel !== undefined) writer.putText(`,"tunnel":"${tunnel}"`);
  const zone = columns.zone[row]!;
  if (zone !== 0) {
    writer.put(ZONE);
    writer.putUnsigned(zone);
  }
  const mark = columns.mark[row]!;
  if (mark !== 0) {
    writer.put(MARK);
    writer.putUnsigned(mark);
  }
  const packets = columns.originalPackets[row]!;
  if (packets >= 0) {
    writer.put(ORIGINAL_PACKETS);
    putNumber(writer, packets);
    writer.put(BYTES);
    putNumber(writer, columns.originalBytes[row]!);
    writer.put(REPLY_PACKETS);
    putNumber(writer, columns.replyPackets[row]!);
    writer.put(BYTES);
    putNumber(writer, columns.replyBytes[row]!);
    writer.putByte(CLOSE);
    const exact = exactJson(raw, row);
    if (exact !== undefined) {
      writer.put(EXACT);
      writer.putText(JSON.stringify(exact));
    }
    writer.putByte(CLOSE);
  }
}

function putTcp(writer: ByteWriter, raw: RawReport, row: number): void {
  const tcp = tcpJson(raw, row);
  if (tcp !== undefined) writer.putText(`,"tcp":${JSON.stringify(tcp)}`);
}

/** Counters beyond 2^53 and the -1 of "not counted" are rare: they take the long way. */
function putNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) writer.putUnsigned(value);
  else writer.putText(JSON.stringify(value));
}
