/**
 * Reports one after another, a line of JSON each: the bytes are those of `encodeJson` and a newline, but a row that reads as it did in the line before is copied from there. What makes its text is
 * compared, column by column; which row it may have been is guessed by its id and its place.
 */
import { ADDRESS_WORDS, type ConnectionColumns, TCP_FACT_DOUBLES } from "@conntrail/model";
import { ByteWriter } from "./byte-writer.ts";
import { bothElided, elidedRows, heaviestFirst, type LimitOption, shownRows } from "./elision.ts";
import { HEADER_BYTES, rowWriter, TYPICAL_BYTES } from "./encode-json.ts";
import { processesJson } from "./header-json.ts";
import { type RawReport, rawOf } from "./raw-report.ts";
import type { Records } from "./records.ts";
import { type Report, reportHeader } from "./report.ts";

const COMMA = 0x2c;
const NEWLINE = 0x0a;

/** How far ahead a row is looked for in the line before: so many that stood there may have gone. */
const LOOK_AHEAD = 256;

/** Lines shorter than this are not worth remembering. */
const WORTH_BYTES = 16_384;

/** Memory of an earlier line is used again when it is no more than so many times what is expected. */
const MOST_SPARE = 4;

/** A line, and what it was made of. */
interface Line {
  readonly raw: RawReport;
  readonly rows: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each row begins, and behind the last one where the next would. */
  readonly starts: Uint32Array;
  readonly texts: RecordTexts;
}

/** The records that rows point into, as text. */
interface RecordTexts {
  readonly owners: readonly string[];
  readonly names: readonly string[];
  /** What all rows depend on. */
  readonly common: string;
}

/** Encodes lines in the order of their making. A line's bytes are the encoder's: valid until the next but one is made. */
export class JsonLines {
  readonly #options: LimitOption;
  #before: Line | undefined;
  /** The block of the line before the last one, for the next. */
  #spare: ArrayBuffer | undefined;

  constructor(options: LimitOption = {}) {
    this.#options = options;
  }

  /** The line of a report. Throws `RangeError` for a limit that is none. */
  encode(report: RawReport | Report): Uint8Array<ArrayBuffer> {
    const raw = heaviestFirst(rawOf(report), this.#options);
    const rows = shownRows(raw.columns.length, this.#options);
    const writer = this.#writer(HEADER_BYTES + rows * TYPICAL_BYTES);
    writer.putText(`${JSON.stringify(reportHeader(raw)).slice(0, -1)},"connections":[`);
    const texts = textsOf(raw);
    const starts = this.#putRows(writer, raw, rows, texts);
    writer.putText(`],"processes":${JSON.stringify(processesJson(raw, rows))}`);
    const elided = bothElided(raw.elided, elidedRows(raw.columns, rows));
    if (elided !== undefined) writer.putText(`,"elided":${JSON.stringify(elided)}`);
    writer.putText("}");
    writer.putByte(NEWLINE);
    const bytes = writer.finish();
    this.#spare = this.#before?.bytes.buffer;
    this.#before = bytes.length < WORTH_BYTES ? undefined : { raw, rows, bytes, starts, texts };
    return bytes;
  }

  /** In the memory of the line before the last one, unless that was of very many more rows. */
  #writer(capacity: number): ByteWriter {
    const spare = this.#spare;
    this.#spare = undefined;
    return new ByteWriter(
      capacity,
      spare !== undefined && spare.byteLength <= MOST_SPARE * capacity ? spare : undefined,
    );
  }

  /** Returns where each row begins, and where one more would. */
  #putRows(writer: ByteWriter, raw: RawReport, rows: number, texts: RecordTexts): Uint32Array {
    const before = this.#before;
    const same = before === undefined ? undefined : sameRows(raw, rows, texts, before);
    const put = rowWriter(writer, raw);
    const starts = new Uint32Array(rows + 1);
    for (let row = 0; row < rows; ) {
      starts[row] = writer.position;
      const from = same?.[row] ?? -1;
      if (from < 0) {
        put(row++);
        writer.putByte(COMMA);
        continue;
      }
      let count = 1;
      while (row + count < rows && same![row + count] === from + count) count++;
      const begin = before!.starts[from]!;
      const moved = writer.position - begin;
      // Behind the last row of a line there is no comma.
      writer.putBytes(before!.bytes.subarray(begin, before!.starts[from + count]! - 1));
      writer.putByte(COMMA);
      for (let i = 1; i < count; i++) starts[row + i] = before!.starts[from + i]! + moved;
      row += count;
    }
    starts[rows] = writer.position;
    if (rows > 0) writer.takeBack(1);
    return starts;
  }
}

/** For each row the one of the line before that reads the same, or -1. */
function sameRows(raw: RawReport, rows: number, texts: RecordTexts, before: Line): Int32Array {
  const same = new Int32Array(rows).fill(-1);
  if (texts.common !== before.texts.common) return same;
  guess(raw.columns.id, before.raw.columns.id, before.rows, same);
  const now: Readonly<Record<string, unknown>> = { ...raw.columns };
  const then: Readonly<Record<string, unknown>> = { ...before.raw.columns };
  for (const [name, column] of Object.entries(now)) {
    if (!ArrayBuffer.isView(column)) continue;
    compare(column, then[name] as ArrayBufferView, ADDRESSES.has(name) ? ADDRESS_WORDS : 1, same);
  }
  const { fromOwner, toOwner, via, fromNames, toNames } = raw.columns;
  dropChanged([fromOwner, toOwner, via], texts.owners, before.texts.owners, same);
  dropChanged([fromNames, toNames], texts.names, before.texts.names, same);
  dropRare(raw, before.raw, same);
  return same;
}

const ADDRESSES: ReadonlySet<string> = new Set<keyof ConnectionColumns>([
  "originalSource",
  "originalDestination",
  "replySource",
  "replyDestination",
]);

/** Rows mostly keep their order: some go, others come. */
function guess(ids: Float64Array, before: Float64Array, rowsBefore: number, same: Int32Array): void {
  let next = 0;
  for (let row = 0; row < same.length; row++) {
    const end = Math.min(rowsBefore, next + LOOK_AHEAD);
    for (let at = next; at < end; at++) {
      if (before[at] !== ids[row]) continue;
      same[row] = at;
      next = at + 1;
      break;
    }
  }
}

/** Takes out rows of which a column differs. By words where its elements have whole words, else by bytes: so the loops see one kind of array. */
function compare(now: ArrayBufferView, then: ArrayBufferView, elements: number, same: Int32Array): void {
  const bytes = elements * (now as Uint8Array).BYTES_PER_ELEMENT;
  if (bytes % 4 === 0) compareWords(wordsOf(now), wordsOf(then), bytes / 4, same);
  else compareBytes(bytesOf(now), bytesOf(then), bytes, same);
}

function compareWords(now: Uint32Array, then: Uint32Array, stride: number, same: Int32Array): void {
  for (let row = 0; row < same.length; row++) {
    const from = same[row]!;
    if (from < 0) continue;
    for (let i = 0; i < stride; i++) if (now[row * stride + i] !== then[from * stride + i]) same[row] = -1;
  }
}

function compareBytes(now: Uint8Array, then: Uint8Array, stride: number, same: Int32Array): void {
  for (let row = 0; row < same.length; row++) {
    const from = same[row]!;
    if (from < 0) continue;
    for (let i = 0; i < stride; i++) if (now[row * stride + i] !== then[from * stride + i]) same[row] = -1;
  }
}

function wordsOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength >>> 2);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Takes out rows that point to a record that reads differently now. */
function dropChanged(
  columns: readonly Uint32Array[],
  now: readonly string[],
  then: readonly string[],
  same: Int32Array,
): void {
  const changed = Uint8Array.from([0, ...now.map((text, i) => (text === then[i] ? 0 : 1))]);
  if (!changed.includes(1)) return;
  for (const column of columns) {
    for (let row = 0; row < same.length; row++) if (changed[column[row]!] === 1) same[row] = -1;
  }
}

/** Takes out rows with what few have; of TCP's facts those that say something else. */
function dropRare(raw: RawReport, before: RawReport, same: Int32Array): void {
  const { tcp, master, exact } = raw.columns;
  for (let row = 0; row < same.length; row++) {
    const from = same[row]!;
    if (from < 0) continue;
    if (master[row] !== 0 || exact[row] !== 0) same[row] = -1;
    else if (tcp[row] !== 0 && !sameFacts(raw.tcp, before.tcp, tcp[row]! - 1)) same[row] = -1;
  }
}

function sameFacts(now: Float64Array | undefined, then: Float64Array | undefined, place: number): boolean {
  for (let at = place * TCP_FACT_DOUBLES; at < (place + 1) * TCP_FACT_DOUBLES; at++)
    if (!Object.is(now?.[at], then?.[at])) return false;
  return true;
}

/** How rows depend on a member of a report: by what all of them share, by records that they point to, by their own columns, by what few have; or not at all. */
const COMPARED: Readonly<Record<keyof RawReport, "common" | "records" | "columns" | "rare" | "outside">> = {
  columns: "columns",
  owners: "records",
  names: "records",
  devices: "common",
  netnsNames: "common",
  select: "common",
  tcp: "rare",
  masters: "rare",
  exact: "rare",
  sequence: "outside",
  host: "outside",
  window: "outside",
  health: "outside",
  elided: "outside",
};
const COMMON = (Object.keys(COMPARED) as (keyof RawReport)[]).filter((name) => COMPARED[name] === "common");

function textsOf(raw: RawReport): RecordTexts {
  const texts = (records: Records<unknown>): string[] =>
    Array.from({ length: records.length }, (_, i) => JSON.stringify(records.at(i)));
  const common = JSON.stringify(COMMON.map((name) => raw[name] ?? null));
  return { owners: texts(raw.owners), names: texts(raw.names), common };
}
