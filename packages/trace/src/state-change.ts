/**
 * A hit of the tracepoint `sock:inet_sock_set_state` (`include/trace/events/sock.h`): a TCP socket goes from one state to another. Decoded in
 * place by the format of this kernel; one object per reader is filled again and again.
 */
import { DecodeError } from "@conntrail/netlink";
import { type EventFormat, requireField } from "./tracefs/event-format.ts";

/** Bits of `common_flags` (`include/linux/trace_events.h`): the hit came while an interrupt was handled, and the process is a bystander. */
const IN_INTERRUPT = 0x10 | 0x08; // TRACE_FLAG_SOFTIRQ | TRACE_FLAG_HARDIRQ

/** Words before the raw data: header 2, pid and tid 2, time 2, size of the raw data 1. */
const RAW = 7;

/** Decodes hits. What it decoded last is in its members. */
export class StateChange {
  /** The tracepoint's number: `common_type` of its hits. */
  readonly id: number;
  pid = 0;
  tid = 0;
  timeNs = 0;
  /** The control group of the thread; 0 when the event does not tell. */
  cgroup = 0;
  /** The kernel's name of the socket: its address, of which 48 bits tell one from another. */
  socket = 0;
  oldState = 0;
  newState = 0;
  /** local << 16 | remote; the local one is 0 before the socket is bound. */
  ports = 0;
  family = 0;
  protocol = 0;
  /** The thread was interrupted: pid and tid say nothing about the socket. */
  inInterrupt = false;
  /** Where the addresses lie: four words each, IPv4 as mapped. */
  words: Uint32Array = new Uint32Array(0);
  localAt = 0;
  remoteAt = 0;
  readonly #rawBytes: number;
  readonly #skaddr: number;
  readonly #oldState: number;
  readonly #newState: number;
  readonly #sport: number;
  readonly #dport: number;
  readonly #family: number;
  readonly #protocol: number;
  readonly #protocolMask: number;
  readonly #local: number;
  readonly #remote: number;
  readonly #hasCgroup: boolean;

  /** Throws DecodeError when the format lacks a field. `hasCgroup`: the events were opened with PERF_SAMPLE_CGROUP. */
  constructor(format: EventFormat, hasCgroup: boolean) {
    const word = (name: string, ...sizes: readonly number[]): number =>
      aligned(requireField(format, name, ...sizes).offset, name);
    const half = (name: string, ...sizes: readonly number[]): number => requireField(format, name, ...sizes).offset;
    this.id = format.id;
    this.#rawBytes = format.bytes;
    this.#hasCgroup = hasCgroup;
    this.#skaddr = word("skaddr", 8);
    this.#oldState = word("oldstate", 4);
    this.#newState = word("newstate", 4);
    this.#sport = half("sport", 2);
    this.#dport = half("dport", 2);
    this.#family = half("family", 2);
    this.#protocol = half("protocol", 1, 2);
    this.#protocolMask = requireField(format, "protocol", 1, 2).bytes === 1 ? 0xff : 0xffff;
    this.#local = word("saddr_v6", 16);
    this.#remote = word("daddr_v6", 16);
  }

  /** Takes the sample of `sizeBytes` bytes at word `at`; its words are kept until the next. Throws DecodeError when it is too short. */
  read(words: Uint32Array, at: number, sizeBytes: number): void {
    const rawBytes = sizeBytes >= RAW * 4 ? words[at + RAW - 1]! : 0;
    const endBytes = RAW * 4 + rawBytes + (this.#hasCgroup ? 8 : 0);
    if (rawBytes < this.#rawBytes || (rawBytes & 3) !== 0 || endBytes > sizeBytes) {
      throw new DecodeError(
        "truncated",
        at * 4,
        "sample",
        `expected ${this.#rawBytes} bytes of raw data, got ${rawBytes}`,
      );
    }
    this.words = words;
    this.pid = words[at + 2]!;
    this.tid = words[at + 3]!;
    this.timeNs = words[at + 4]! + words[at + 5]! * 0x1_0000_0000;
    const raw = at + RAW;
    this.inInterrupt = ((words[raw]! >>> 16) & IN_INTERRUPT) !== 0;
    const skaddr = raw + this.#skaddr;
    this.socket = words[skaddr]! + (words[skaddr + 1]! & 0xffff) * 0x1_0000_0000;
    this.oldState = words[raw + this.#oldState]!;
    this.newState = words[raw + this.#newState]!;
    this.ports = ((u16(words, raw, this.#sport) << 16) | u16(words, raw, this.#dport)) >>> 0;
    this.family = u16(words, raw, this.#family);
    this.protocol = (words[raw + (this.#protocol >>> 2)]! >>> ((this.#protocol & 3) * 8)) & this.#protocolMask;
    this.localAt = raw + this.#local;
    this.remoteAt = raw + this.#remote;
    const group = raw + (rawBytes >>> 2);
    this.cgroup = this.#hasCgroup ? words[group]! + (words[group + 1]! & 0x1f_ffff) * 0x1_0000_0000 : 0;
  }
}

function u16(words: Uint32Array, raw: number, offset: number): number {
  return (words[raw + (offset >>> 2)]! >>> ((offset & 2) * 8)) & 0xffff;
}

/** The word of an offset. Throws DecodeError when it is none. */
function aligned(offset: number, name: string): number {
  if ((offset & 3) !== 0) throw new DecodeError("bad-length", offset, `format: ${name}`, "expected a multiple of 4");
  return offset >>> 2;
}
