/** Collects what the words of a line say behind the protocol: timeout and state, two tuples with counters, flags, and `key=value`. */
import { CT_STATUS, PROTOCOL } from "@conntrail/model";
import type { ConntrackCounters, ConntrackMessage, ConntrackProtoInfo, ConntrackTuple } from "@conntrail/netlink";
import type { ReadAddress } from "./text-address.ts";
import { stateNumber } from "./text-states.ts";
import { LineFailure, TupleFields, wholeNumber } from "./text-tuple.ts";

/** What a line gives, all but what happened and the family. */
type Found = Omit<ConntrackMessage, "kind" | "family">;

/** What a line is read with. */
export interface LineContext {
  /** Minutes that the clock in `[start=…]` and `[stop=…]` is ahead of UTC: conntrack prints local time there. */
  readonly utcOffsetMinutes: number;
  readonly readAddress: ReadAddress;
}

/** One line's fields. */
export class FlowFields {
  readonly #protocol: number;
  readonly #context: LineContext;
  readonly #tuples: TupleFields[] = [];
  /** Of the original direction and of the reply. */
  readonly #counters: Partial<Record<"packets" | "bytes", bigint>>[] = [];
  readonly #found: { -readonly [K in keyof Found]?: Found[K] } = {};
  #status: number = CT_STATUS.confirmed | CT_STATUS.seenReply;
  #ended = false;

  constructor(protocol: number, context: LineContext) {
    this.#protocol = protocol;
    this.#context = context;
  }

  /** Takes the next word. Throws LineFailure. */
  take(word: string): void {
    if (this.#ended) return;
    const equals = word.indexOf("=");
    if (word.startsWith("[")) this.#takeFlag(word);
    else if (equals > 0) this.#takeField(word.slice(0, equals), word.slice(equals + 1));
    else if (this.#tuples.length > 0) throw new LineFailure("bad-line", `"${word}" among the fields`);
    else if (/^\d+$/.test(word)) this.#found.timeout = wholeNumber(word, 0xffffffff);
    else this.#takeState(word);
  }

  /** What was found. Throws LineFailure when a line ends too early. */
  finish(): Found {
    const [original, reply] = this.#tuples.map((fields) => fields.finish());
    if (original === undefined || reply === undefined) throw new LineFailure("missing-field", "expected two tuples");
    if (original.source.length !== reply.source.length) {
      throw new LineFailure("bad-address", "the tuples are of different families");
    }
    const originalCounters = this.#countersOf(0);
    const replyCounters = this.#countersOf(1);
    return {
      original,
      reply,
      ...this.#found,
      ...(originalCounters && { originalCounters }),
      ...(replyCounters && { replyCounters }),
      status: this.#status | natStatus(original, reply),
    };
  }

  #takeState(word: string): void {
    const state = stateNumber(this.#protocol, word);
    if (state === undefined) return; // a newer kernel's: not known is not told
    const kind = PROTO_INFO[this.#protocol];
    if (kind !== undefined) this.#found.protoInfo = { kind, state };
  }

  #takeFlag(word: string): void {
    if (word === "[UNREPLIED]") this.#status &= ~CT_STATUS.seenReply;
    else if (word === "[ASSURED]") this.#status |= CT_STATUS.assured;
    else if (word === "[OFFLOAD]") this.#status |= CT_STATUS.offload;
    else if (word === "[HW_OFFLOAD]") this.#status |= CT_STATUS.hwOffload | CT_STATUS.offload;
    else if (word.startsWith("[start=")) this.#found.startNs = this.#clock(word.slice(7, -1));
    else if (word.startsWith("[stop=")) this.#found.stopNs = this.#clock(word.slice(6, -1));
    else if (word === "[USERSPACE]") this.#ended = true; // portid and progname of who caused the event follow
  }

  #takeField(key: string, value: string): void {
    const found = this.#found;
    switch (key) {
      case "src":
        if (this.#tuples.length === 2) throw new LineFailure("bad-line", "more than two tuples");
        this.#tuples.push(new TupleFields(this.#protocol, this.#context.readAddress));
        break;
      case "packets":
      case "bytes":
        this.#takeCounter(key, value);
        return;
      case "zone-orig":
      case "zone-reply":
        this.#zoneOf(key, wholeNumber(value, 0xffff));
        return;
      case "zone":
        found.zone = wholeNumber(value, 0xffff);
        return;
      case "mark":
        found.mark = wholeNumber(value, 0xffffffff);
        return;
      case "use":
        found.use = wholeNumber(value, 0xffffffff);
        return;
      case "helper":
        found.helper = { name: value };
        return;
    }
    // A tuple's own; an `id` that no tuple takes is the flow's. What is left has no use here (secctx, labels by
    // name, delta-time, /proc's timeouts of GRE) or is of a newer kernel.
    if (this.#tuples.at(-1)?.take(key, value) !== true && key === "id") found.id = wholeNumber(value, 0xffffffff);
  }

  #takeCounter(key: "packets" | "bytes", value: string): void {
    const direction = this.#tuples.length - 1;
    if (direction < 0 || !/^\d{1,20}$/.test(value)) throw new LineFailure("bad-number", `${key}=${value}`);
    this.#counters[direction] = { ...this.#counters[direction], [key]: BigInt.asUintN(64, BigInt(value)) };
  }

  #countersOf(direction: number): ConntrackCounters | undefined {
    const { packets, bytes } = this.#counters[direction] ?? {};
    return packets === undefined || bytes === undefined ? undefined : { packets, bytes };
  }

  #zoneOf(key: "zone-orig" | "zone-reply", zone: number): void {
    const fields = this.#tuples[key === "zone-orig" ? 0 : 1];
    if (fields === undefined) throw new LineFailure("bad-line", `${key} before its tuple`);
    fields.zone = zone;
  }

  /** `Sun Nov 22 12:33:59 2026`, as ctime(3) prints it, to nanoseconds. */
  #clock(text: string): bigint {
    const parts = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})$/.exec(text);
    const month = MONTHS.indexOf(parts?.[1] ?? "none");
    if (parts === null || month < 0) throw new LineFailure("bad-number", `no date, ${text}`);
    const [day, hour, minute, second, year] = parts.slice(2).map(Number) as [number, number, number, number, number];
    const timeMs = Date.UTC(year, month, day, hour, minute - this.#context.utcOffsetMinutes, second);
    if (timeMs < 0) throw new LineFailure("bad-number", `a date before 1970, ${text}`);
    return BigInt(timeMs) * 1_000_000n;
  }
}

const PROTO_INFO: Readonly<Record<number, ConntrackProtoInfo["kind"]>> = {
  [PROTOCOL.tcp]: "tcp",
  [PROTOCOL.sctp]: "sctp",
  [PROTOCOL.dccp]: "dccp",
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The text has no word for NAT; but where the tuples do not mirror each other, the kernel rewrote (IPS_SRC_NAT, IPS_DST_NAT). */
function natStatus(original: ConntrackTuple, reply: ConntrackTuple): number {
  const [from, to] = [ports(original), ports(reply)];
  const sourceKept = same(original.source, reply.destination) && from[0] === to[1];
  const destinationKept = same(original.destination, reply.source) && from[1] === to[0];
  return (sourceKept ? 0 : CT_STATUS.srcNat) | (destinationKept ? 0 : CT_STATUS.dstNat);
}

/** Source and destination port; 0 for protocols without. GRE's keys are told apart by who chose them, not by direction. */
function ports(tuple: ConntrackTuple): readonly [number, number] {
  const { proto } = tuple;
  return proto.kind === "ports" && proto.number !== PROTOCOL.gre ? [proto.sourcePort, proto.destinationPort] : [0, 0];
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
