/** The words of one tuple: `src= dst=` and what tells the ends apart: ports, ICMP's type, code and id, or GRE's keys. */
import { hasPorts, PROTOCOL } from "@conntrail/model";
import type { ConntrackProto, ConntrackTuple } from "@conntrail/netlink";
import type { LineErrorCode } from "./errors.ts";
import type { ReadAddress } from "./text-address.ts";

/** What is wrong with a line, before it is known which line it is. */
export class LineFailure extends Error {
  readonly code: LineErrorCode;
  /** Index in the line of the word at fault; `undefined` until it is known. */
  at: number | undefined;

  constructor(code: LineErrorCode, facts: string) {
    super(facts);
    this.code = code;
  }
}

/** Collects a tuple's words. */
export class TupleFields {
  zone: number | undefined;
  #source: Uint8Array | undefined;
  #destination: Uint8Array | undefined;
  readonly #protocol: number;
  readonly #readAddress: ReadAddress;
  readonly #keys = new Map<string, number>();

  constructor(protocol: number, readAddress: ReadAddress) {
    this.#protocol = protocol;
    this.#readAddress = readAddress;
  }

  /** Takes a word if it belongs to a tuple of this protocol and was not there before. */
  take(key: string, value: string): boolean {
    if (key === "src") {
      this.#source ??= this.#address(value);
      return true;
    }
    if (key === "dst") {
      this.#destination ??= this.#address(value);
      return true;
    }
    const most = MOST.get(key);
    if (most === undefined || this.#keys.has(key) || !keysOf(this.#protocol).includes(key)) return false;
    this.#keys.set(key, wholeNumber(value, most));
    return true;
  }

  /** The tuple. Throws LineFailure when something is missing. */
  finish(): ConntrackTuple {
    const source = this.#source;
    const destination = this.#destination;
    if (source === undefined || destination === undefined) throw new LineFailure("missing-field", "src or dst");
    if (source.length !== destination.length) throw new LineFailure("bad-address", "src and dst of different families");
    const tuple = { source, destination, proto: this.#proto() };
    return this.zone === undefined ? tuple : { ...tuple, zone: this.zone };
  }

  #proto(): ConntrackProto {
    const number = this.#protocol;
    const keys = keysOf(number);
    // A kernel that cannot follow DCCP or GRE tells their flows apart by address only; of DCCP conntrack then prints ports 0.
    const optional = number === PROTOCOL.dccp || number === PROTOCOL.gre;
    if (keys.length === 0 || (optional && this.#keys.size === 0)) return { kind: "other", number };
    const [first, second] = [this.#key(keys[0]!), this.#key(keys[1]!)];
    if (number === PROTOCOL.dccp && first === 0 && second === 0) return { kind: "other", number };
    if (keys !== ICMP_KEYS) return { kind: "ports", number, sourcePort: first, destinationPort: second };
    return { kind: "icmp", number, type: first, code: second, id: this.#key("id") };
  }

  #address(text: string): Uint8Array {
    const bytes = this.#readAddress(text);
    if (bytes === undefined) throw new LineFailure("bad-address", text);
    return bytes;
  }

  #key(key: string): number {
    const value = this.#keys.get(key);
    if (value === undefined) throw new LineFailure("missing-field", key);
    return value;
  }
}

/** A decimal or `0x` number of `most` at the most; LineFailure otherwise. */
export function wholeNumber(text: string, most: number): number {
  const value = /^(?:\d{1,20}|0x[0-9a-f]{1,16})$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw new LineFailure("bad-number", text);
  return value;
}

function keysOf(protocol: number): readonly string[] {
  return KEYS.get(protocol) ?? (hasPorts(protocol) ? PORT_KEYS : NO_KEYS);
}

const NO_KEYS: readonly string[] = [];
const PORT_KEYS: readonly string[] = ["sport", "dport"];
const ICMP_KEYS: readonly string[] = ["type", "code", "id"];
const KEYS = new Map<number, readonly string[]>([
  [PROTOCOL.icmp, ICMP_KEYS],
  [PROTOCOL.icmpv6, ICMP_KEYS],
  [PROTOCOL.gre, ["srckey", "dstkey"]],
]);
const MOST: ReadonlyMap<string, number> = new Map(
  Object.entries({
    sport: 0xffff,
    dport: 0xffff,
    srckey: 0xffff,
    dstkey: 0xffff,
    type: 0xff,
    code: 0xff,
    id: 0xffff,
  }),
);
