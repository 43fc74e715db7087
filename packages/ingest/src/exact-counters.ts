/** Counters beyond 2^53 of the flows of the table, kept beside it: a row has the nearest doubles. */
import { EXACT, EXACT_WORDS, FLOW } from "@conntrail/model";
import { DECODED_FIELD } from "./decode-nested.ts";
import { MESSAGE_ROW } from "./flow-table-row.ts";

/** Flows at once: beyond that the oldest go, and have the nearest double alone. */
const MOST = 16_384;
const EXACT_FIELDS = DECODED_FIELD.exactOriginal | DECODED_FIELD.exactReply;
const COUNTED = DECODED_FIELD.originalCounters | DECODED_FIELD.replyCounters;
const TWO_32 = 2 ** 32;

/** By the serial of the flow. */
export class ExactCounters {
  readonly #records = new Map<number, Uint32Array>();

  /** How many there are. */
  get size(): number {
    return this.#records.size;
  }

  /** Takes over what a decoded message says; `floats` is a view of it as doubles. Counters that were set back are small again. */
  note(serial: number, message: Uint32Array, floats: Float64Array): void {
    const fields = message[MESSAGE_ROW.fields]!;
    if ((fields & EXACT_FIELDS) === 0) {
      if (this.#records.size > 0 && (fields & COUNTED) !== 0) this.#records.delete(serial);
      return;
    }
    if (this.#records.size >= MOST) this.#records.delete(this.#records.keys().next().value!);
    const record = new Uint32Array(EXACT_WORDS);
    record[EXACT.serial] = serial;
    const isOriginal = (fields & DECODED_FIELD.exactOriginal) !== 0;
    const isReply = (fields & DECODED_FIELD.exactReply) !== 0;
    put(record, EXACT.originalPackets, message, isOriginal ? MESSAGE_ROW.exact : -1, floats, FLOW.originalPackets >> 1);
    put(record, EXACT.replyPackets, message, isReply ? MESSAGE_ROW.exact + 4 : -1, floats, FLOW.replyPackets >> 1);
    this.#records.set(serial, record);
  }

  /** The record of a flow, if there is one. */
  of(serial: number): Uint32Array | undefined {
    return this.#records.get(serial);
  }

  /** The flow is gone. */
  forget(serial: number): void {
    this.#records.delete(serial);
  }
}

/** Packets and bytes of a direction: word for word, or from doubles that hold them. */
function put(
  record: Uint32Array,
  to: number,
  message: Uint32Array,
  at: number,
  floats: Float64Array,
  float: number,
): void {
  if (at >= 0) {
    record.set(message.subarray(at, at + 4), to);
    return;
  }
  for (let i = 0; i < 2; i++) {
    const value = Math.max(0, floats[float + i]!);
    record[to + 2 * i] = Math.floor(value / TWO_32);
    record[to + 2 * i + 1] = value >>> 0;
  }
}
