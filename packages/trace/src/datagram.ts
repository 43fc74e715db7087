/**
 * A hit of `fib:fib_table_lookup` or `fib6:fib6_table_lookup` (`include/trace/events/fib.h`, `fib6.h`): the kernel asks where a datagram goes, in the context of
 * the thread that sends it. Decoded in place by the format of this kernel, whose fields lie at any byte.
 */
import { FAMILY, PROTOCOL, writeIpv4 } from "@conntrail/model";
import { DecodeError } from "@conntrail/netlink";
import { type EventField, type EventFormat, requireField } from "./tracefs/event-format.ts";

/** Bytes before the raw data, and where their size stands. */
const RAW_BYTES = 28;
const RAW_SIZE = 6;

/** The hits that are needed: of senders, not of packets that arrive or are forwarded, which are looked up while an interrupt is handled. */
export const DATAGRAM_FILTER: string = `proto==${PROTOCOL.udp} && sport!=0 && dport!=0 && !(common_flags & 24)`;

/** Decodes hits. What it decoded last is in its members. */
export class Datagram {
  /** The tracepoint's number: `common_type` of its hits. */
  readonly id: number;
  pid = 0;
  tid = 0;
  timeNs = 0;
  cgroup = 0;
  /** local << 16 | remote */
  ports = 0;
  readonly family: number;
  readonly protocol: number = PROTOCOL.udp;
  inInterrupt = false;
  /** The two addresses, four words each; the local one is unspecified when the socket is not bound to any. */
  readonly words: Uint32Array = new Uint32Array(8);
  readonly localAt = 0;
  readonly remoteAt = 4;
  readonly #source: EventField;
  readonly #destination: EventField;
  readonly #sport: EventField;
  readonly #dport: EventField;
  readonly #rawBytes: number;
  readonly #hasCgroup: boolean;

  /** Throws DecodeError when the format lacks a field. */
  constructor(format: EventFormat, family: number, hasCgroup: boolean) {
    const bytes = family === FAMILY.ipv4 ? 4 : 16;
    this.id = format.id;
    this.family = family;
    this.#rawBytes = format.bytes;
    this.#hasCgroup = hasCgroup;
    this.#source = requireField(format, "src", bytes);
    this.#destination = requireField(format, "dst", bytes);
    this.#sport = requireField(format, "sport", 2);
    this.#dport = requireField(format, "dport", 2);
    requireField(format, "proto", 1);
  }

  /** Takes the sample of `sizeBytes` bytes at word `at`. Throws DecodeError when it is too short. */
  read(words: Uint32Array, at: number, sizeBytes: number): void {
    const rawBytes = sizeBytes >= RAW_BYTES ? words[at + RAW_SIZE]! : 0;
    const endBytes = RAW_BYTES + rawBytes + (this.#hasCgroup ? 8 : 0);
    if (rawBytes < this.#rawBytes || (rawBytes & 3) !== 0 || endBytes > sizeBytes) {
      throw new DecodeError(
        "truncated",
        at * 4,
        "sample",
        `expected ${this.#rawBytes} bytes of raw data, got ${rawBytes}`,
      );
    }
    const bytes = new Uint8Array(words.buffer, words.byteOffset + at * 4 + RAW_BYTES, rawBytes);
    this.pid = words[at + 2]!;
    this.tid = words[at + 3]!;
    this.timeNs = words[at + 4]! + words[at + 5]! * 0x1_0000_0000;
    this.inInterrupt = (bytes[2]! & 0x18) !== 0;
    this.ports = ((u16(bytes, this.#sport) << 16) | u16(bytes, this.#dport)) >>> 0;
    this.#readAddress(bytes, this.#source, this.localAt);
    this.#readAddress(bytes, this.#destination, this.remoteAt);
    const group = at + ((RAW_BYTES + rawBytes) >>> 2);
    this.cgroup = this.#hasCgroup ? words[group]! + (words[group + 1]! & 0x1f_ffff) * 0x1_0000_0000 : 0;
  }

  #readAddress(bytes: Uint8Array, { offset }: EventField, to: number): void {
    if (this.family === FAMILY.ipv4) {
      const [a, b, c, d] = [bytes[offset]!, bytes[offset + 1]!, bytes[offset + 2]!, bytes[offset + 3]!];
      writeIpv4(this.words, to, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
    } else new Uint8Array(this.words.buffer, to * 4, 16).set(bytes.subarray(offset, offset + 16));
  }
}

/** In the machine's order, whose low byte comes first (the trace refuses others). */
function u16(bytes: Uint8Array, { offset }: EventField): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}
