/** Which connections announced which flows (CTA_TUPLE_MASTER), kept beside the table: few flows have one, and their NEW and each dump are all that tells it. */
import { MASTER, MASTER_WORDS } from "@conntrail/model";
import { MESSAGE_ROW } from "./flow-table-row.ts";

/** Flows at once: beyond that the oldest go, and are told as expected without saying by whom. */
const MOST = 16_384;

/** By the serial of the flow that was announced. */
export class Masters {
  readonly #records = new Map<number, Uint32Array>();

  /** Takes over what a decoded message says. True when that was not known. */
  note(serial: number, message: Uint32Array): boolean {
    if (this.#records.has(serial)) return false;
    if (this.#records.size >= MOST) this.#records.delete(this.#records.keys().next().value!);
    const record = new Uint32Array(MASTER_WORDS);
    record[MASTER.serial] = serial;
    record[MASTER.kind] = message[MESSAGE_ROW.masterKind]!;
    record[MASTER.ports] = message[MESSAGE_ROW.masterPorts]!;
    record.set(message.subarray(MESSAGE_ROW.master, MESSAGE_ROW.master + 8), MASTER.source);
    this.#records.set(serial, record);
    return true;
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

/** Records of one length, one after the other, as a batch has them. */
export function joinRecords(records: readonly Uint32Array[], words: number): Uint32Array<ArrayBuffer> {
  const joined = new Uint32Array(records.length * words);
  for (const [i, record] of records.entries()) joined.set(record, i * words);
  return joined;
}
