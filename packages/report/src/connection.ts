/**
 * One connection of a report, read from the columns at the moment of asking. Views are classes because their getters
 * then live on a prototype: a view is two words, and looking at one connection of 100,000 costs only that one.
 */
import { inspect } from "node:util";
import {
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  EVIDENCE,
  FAMILY,
  formatAddress,
  NAT_KIND,
  type Owner,
  protocolName,
  SOURCE,
  toPort,
  tunnelName,
  visibleFromPort,
  visibleToPort,
} from "@conntrail/model";
import { type End, viewEnd } from "./end.ts";
import { exactJson } from "./exact-json.ts";

import type {
  AddressPortJson,
  ConnectionFlag,
  ConnectionJson,
  CountersJson,
  DirectionJson,
  MasterJson,
  NatJson,
  TcpJson,
  ViaJson,
} from "./json-shape.ts";
import type { RawReport } from "./raw-report.ts";
import { tcpJson } from "./tcp-json.ts";
import { isoTime } from "./time.ts";

/** A connection: the members of `ConnectionJson`, all of them always there. Valid as long as its report. */
export interface Connection
  extends Required<
    Omit<ConnectionJson, "from" | "to" | "counters" | "tcp" | "netnsName" | "tunnel" | "via" | "master">
  > {
  readonly from: End;
  readonly to: End;
  readonly counters: CountersJson | undefined;
  readonly tcp: TcpJson | undefined;
  readonly netnsName: string | undefined;
  readonly tunnel: string | undefined;
  readonly via: ViaJson | undefined;
  readonly master: MasterJson | undefined;
  /** Unix milliseconds. */
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** The contract's shape. */
  toJSON(): ConnectionJson;
}

/** The view of connection `row`, unchecked. */
export function viewConnection(raw: RawReport, row: number): Connection {
  return new ConnectionView(raw, row);
}

/** The words for SOURCE bits. */
export function sourceWords(bits: number): ("conntrack" | "sockets")[] {
  const words: ("conntrack" | "sockets")[] = [];
  if (bits & SOURCE.conntrack) words.push("conntrack");
  if (bits & SOURCE.sockets) words.push("sockets");
  return words;
}

/** The words for CONNECTION_FLAG bits that a report tells. */
export function flagWords(bits: number): ConnectionFlag[] {
  return TOLD_FLAGS.filter((flag) => bits & CONNECTION_FLAG[flag]);
}

/** A process as the `via` of its connections. */
export function viaJson({ pid, startTicks, process }: Owner): ViaJson {
  return { pid, startTicks, process };
}

/** The flags that a report tells, in its order. */
const TOLD_FLAGS: readonly ConnectionFlag[] = [
  "transit",
  "aggregated",
  "offloaded",
  "expected",
  "stale",
  "endUnseen",
  "selfTraffic",
];

class ConnectionView implements Connection {
  readonly #raw: RawReport;
  readonly #row: number;

  constructor(raw: RawReport, row: number) {
    this.#raw = raw;
    this.#row = row;
  }

  get protocol(): string {
    return protocolName(this.#raw.columns.protocol[this.#row]!);
  }

  get family(): "ipv4" | "ipv6" {
    return this.#raw.columns.family[this.#row] === FAMILY.ipv6 ? "ipv6" : "ipv4";
  }

  get netns(): number | null {
    return this.#raw.columns.netns[this.#row]! || null;
  }

  get netnsName(): string | undefined {
    const { netns } = this;
    return this.#raw.netnsNames?.find((named) => named.netns === netns)?.name;
  }

  get from(): End {
    return viewEnd(this.#raw, this.#row, "from");
  }

  get to(): End {
    return viewEnd(this.#raw, this.#row, "to");
  }

  get direction(): DirectionJson {
    const { evidence, confidence } = this.#raw.columns;
    return { evidence: EVIDENCE[evidence[this.#row]!]!, confidence: CONFIDENCE[confidence[this.#row]!]! };
  }

  get sources(): ("conntrack" | "sockets")[] {
    return sourceWords(this.#raw.columns.sources[this.#row]!);
  }

  get state(): ConnectionJson["state"] {
    return CONNECTION_STATE[this.#raw.columns.state[this.#row]!]!;
  }

  get count(): number {
    return this.#raw.columns.count[this.#row]!;
  }

  get nat(): NatJson | null {
    const { columns } = this.#raw;
    const row = this.#row;
    const kind = NAT_KIND[columns.nat[row]!]!;
    if (kind === "none") return null;
    const end = (words: Uint32Array, port: number): AddressPortJson => ({
      address: formatAddress(words, row * 4),
      port,
    });
    const from = end(columns.replyDestination, visibleFromPort(columns, row));
    return { kind, visible: { from, to: end(columns.originalDestination, visibleToPort(columns, row)) } };
  }

  get firstSeenMs(): number {
    return this.#raw.columns.firstSeenMs[this.#row]!;
  }

  get lastSeenMs(): number {
    return this.#raw.columns.lastSeenMs[this.#row]!;
  }

  get firstSeen(): string | null {
    return isoTime(this.firstSeenMs);
  }

  get lastSeen(): string | null {
    return isoTime(this.lastSeenMs);
  }

  get id(): number {
    return this.#raw.columns.id[this.#row]!;
  }

  get via(): ViaJson | undefined {
    const owner = this.#raw.columns.via[this.#row]!;
    return owner === 0 ? undefined : viaJson(this.#raw.owners.at(owner - 1)!);
  }

  get master(): MasterJson | undefined {
    const place = this.#raw.columns.master[this.#row]!;
    return place === 0 ? undefined : this.#raw.masters?.[place - 1];
  }

  get tunnel(): string | undefined {
    const { columns } = this.#raw;
    return tunnelName(columns.protocol[this.#row]!, toPort(columns, this.#row));
  }

  get zone(): number {
    return this.#raw.columns.zone[this.#row]!;
  }

  get mark(): number {
    return this.#raw.columns.mark[this.#row]!;
  }

  get counters(): CountersJson | undefined {
    const { originalPackets, originalBytes, replyPackets, replyBytes } = this.#raw.columns;
    const row = this.#row;
    if (!(originalPackets[row]! >= 0)) return undefined;
    const exact = exactJson(this.#raw, row);
    return {
      original: { packets: originalPackets[row]!, bytes: originalBytes[row]! },
      reply: { packets: replyPackets[row]!, bytes: replyBytes[row]! },
      ...(exact !== undefined && { exact }),
    };
  }

  get tcp(): TcpJson | undefined {
    return tcpJson(this.#raw, this.#row);
  }

  get flags(): ConnectionFlag[] {
    return flagWords(this.#raw.columns.flags[this.#row]!);
  }

  toJSON(): ConnectionJson {
    const { zone, mark, counters, tcp, flags, netnsName, via, master, tunnel } = this;
    return {
      protocol: this.protocol,
      family: this.family,
      netns: this.netns,
      ...(netnsName !== undefined && { netnsName }),
      from: this.from.toJSON(),
      to: this.to.toJSON(),
      direction: this.direction,
      sources: this.sources,
      state: this.state,
      count: this.count,
      nat: this.nat,
      firstSeen: this.firstSeen,
      lastSeen: this.lastSeen,
      id: this.id,
      ...(via !== undefined && { via }),
      ...(master !== undefined && { master }),
      ...(tunnel !== undefined && { tunnel }),
      ...(zone !== 0 && { zone }),
      ...(mark !== 0 && { mark }),
      ...(counters !== undefined && { counters }),
      ...(tcp !== undefined && { tcp }),
      ...(flags.length > 0 && { flags }),
    };
  }

  /** What console.log shows. */
  [inspect.custom](): ConnectionJson {
    return this.toJSON();
  }
}
