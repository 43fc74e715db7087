/** From raw dumps and a map of owners to a table: the same code for a live scan and for a recorded one, without I/O. */
import {
  FAMILY,
  formatAddress,
  indexOf,
  isUnspecified,
  kindFamily,
  kindProtocol,
  kindState,
  type NamespaceFacts,
  OWNER_REASON,
  type Owner,
  type OwnerReason,
  PROTOCOL,
  packKind,
  protocolName,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  SOCKET_WORDS,
  SocketRows,
  type SocketTable,
} from "@conntrail/model";
import { parseNetSockets, parseSctpSockets } from "@conntrail/procfs";
import { DiagRows } from "./diag-rows.ts";
import { InodeMap } from "./inode-map.ts";
import { denyOwnersOfSameEnds, keepLastOfEach } from "./same-sockets.ts";
import { scanHealth } from "./scan-health.ts";
import type { ScanFacts, SocketDump } from "./scan-record.ts";

/** All states of a UDP socket: connected (1) and not (7). */
const UDP_STATES = (1 << SOCKET_STATE.established) | (1 << SOCKET_STATE.close);

/** Who owns which socket. */
export interface OwnerLookup {
  /** Complete once `find` was asked for every socket. */
  readonly owners: readonly Owner[];
  /** 1 + index into `owners`; 0 when no owner is known. `listens`: the socket waits for connections, which any of its holders may take. */
  find(inode: number, listens: boolean): number;
  /** Processes that hold the socket; without an owner: several, and which of them is meant is not known. */
  holders(inode: number): number;
}

/** Everything but the sockets. */
export interface TableFrame {
  readonly startedMs: number;
  readonly timeMs: number;
  readonly cutMs: number | null;
  readonly namespaces: readonly NamespaceFacts[];
  readonly facts: ScanFacts;
}

/** Builds one table: `add` for each dump, then `finish`, which gives the rows away. */
export class TableBuilder {
  readonly #rows: SocketRows;
  readonly #diag: DiagRows;
  readonly #states: number;
  #unreadableLines = 0;
  #hasText = false;
  #inodes: InodeMap | undefined;

  /** `expected` rows are room to begin with. */
  constructor(limits: Pick<ScanFacts, "states" | "maxSockets">, expected?: number) {
    this.#rows = new SocketRows(limits.maxSockets, expected);
    this.#diag = new DiagRows(this.#rows);
    this.#states = limits.states;
  }

  /** Takes in a part of a dump; `bytes` are not kept. */
  add(dump: SocketDump, offset = 0, length: number = dump.bytes.length): void {
    const { format, protocol, netns, bytes } = dump;
    this.#inodes = undefined;
    if (format === "sock_diag") {
      this.#diag.add(protocol, netns, bytes, offset, length);
      return;
    }
    this.#hasText = true;
    if (protocol === PROTOCOL.sctp) {
      this.#unreadableLines += parseSctpSockets(bytes.subarray(offset, offset + length), netns, this.#rows);
      return;
    }
    const states = protocol === PROTOCOL.tcp ? this.#states : UDP_STATES;
    this.#unreadableLines += parseNetSockets(
      bytes.subarray(offset, offset + length),
      { protocol, netns, states },
      this.#rows,
    );
  }

  /** Sockets did not fit. */
  get isFull(): boolean {
    return this.#rows.refused > 0;
  }

  /** The inodes of the sockets so far, each with the last row that has it. */
  inodes(): InodeMap {
    this.#inodes ??= inodesOf(this.#rows);
    return this.#inodes;
  }

  /** Indexes of the interfaces that sockets of a namespace are bound to. */
  devices(netns: number): ReadonlySet<number> | undefined {
    return this.#diag.devices.get(netns);
  }

  /** True when the socket of that inode waits for connections. */
  listens(inode: number): boolean {
    const row = this.inodes().get(inode);
    return row >= 0 && isListening(this.#rows, row * SOCKET_WORDS);
  }

  /** The inodes of the connections at a listener's port. */
  *acceptedAt(listener: number): Generator<number> {
    const { words, count } = this.#rows;
    const from = this.inodes().get(listener) * SOCKET_WORDS;
    const port = words[from + SOCKET.ports]! >>> 16;
    for (let at = 0; at < count * SOCKET_WORDS; at += SOCKET_WORDS) {
      const isAccepted =
        words[at + SOCKET.ports]! >>> 16 === port && words[at + SOCKET.netns] === words[from + SOCKET.netns];
      if (isAccepted && words[at + SOCKET.inode] !== listener) yield words[at + SOCKET.inode]!;
    }
  }

  finish(lookup: OwnerLookup, frame: TableFrame): SocketTable {
    const rows = this.#rows;
    keepLastOfEach(rows, this.inodes());
    if (this.#hasText) markDualStack(rows);
    const { attributed, withheld, firstWithheld } = attribute(rows, lookup, frame.facts);
    denyOwnersOfSameEnds(rows);
    return {
      kind: "sockets",
      timeMs: frame.timeMs,
      cutMs: frame.cutMs,
      startedMs: frame.startedMs,
      count: rows.count,
      rows: rows.words,
      owners: lookup.owners,
      namespaces: frame.namespaces,
      health: scanHealth(frame.facts, {
        sockets: rows.count,
        attributed,
        withheld,
        example: firstWithheld < 0 ? "" : socketText(rows, firstWithheld),
        undecodable: this.#diag.undecodable + this.#unreadableLines,
        refused: rows.refused,
        namespaces: frame.namespaces.length,
      }),
    };
  }
}

function inodesOf({ words, count }: SocketRows): InodeMap {
  const inodes = new InodeMap(count);
  for (let row = 0; row < count; row++) {
    const inode = words[row * SOCKET_WORDS + SOCKET.inode]!;
    if (inode !== 0) inodes.set(inode, row);
  }
  return inodes;
}

/** Sets owner, number of owners and reason of every row, and counts what has an owner and what may have one that is hidden. */
function attribute(
  rows: SocketRows,
  lookup: OwnerLookup,
  facts: ScanFacts,
): { attributed: number; withheld: number; firstWithheld: number } {
  const { words, count } = rows;
  const reason = reasonWithoutOwner(facts);
  const held = indexOf(OWNER_REASON, reason);
  // Only a socket with an inode can be held by a process (F30).
  const orphaned = facts.ownersWanted ? indexOf(OWNER_REASON, "no-process") : held;
  let attributed = 0;
  let unknown = 0;
  let firstUnknown = -1;
  for (let offset = 0; offset < count * SOCKET_WORDS; offset += SOCKET_WORDS) {
    const inode = words[offset + SOCKET.inode]!;
    const owner = inode === 0 ? 0 : lookup.find(inode, isListening(rows, offset));
    const holders = inode === 0 ? 0 : lookup.holders(inode);
    words[offset + SOCKET.owner] = owner;
    words[offset + SOCKET.owners] = holders;
    words[offset + SOCKET.reason] = owner !== 0 ? 0 : holders > 0 ? AMBIGUOUS : inode === 0 ? orphaned : held;
    if (holders > 0) attributed++;
    else if (inode !== 0) {
      unknown++;
      if (firstUnknown < 0) firstUnknown = offset;
    }
  }
  if (reason !== "permission") return { attributed, withheld: 0, firstWithheld: -1 };
  return { attributed, withheld: unknown, firstWithheld: firstUnknown };
}

/** `tcp 127.0.0.1 port 22 to 127.0.0.1 port 50000`. */
function socketText({ words }: SocketRows, offset: number): string {
  const ports = words[offset + SOCKET.ports]!;
  const local = `${protocolName(kindProtocol(words[offset + SOCKET.kind]!))} ${formatAddress(words, offset + SOCKET.local)} port ${ports >>> 16}`;
  const remotePort = ports & 0xffff;
  return remotePort === 0 ? local : `${local} to ${formatAddress(words, offset + SOCKET.remote)} port ${remotePort}`;
}

const AMBIGUOUS = indexOf(OWNER_REASON, "ambiguous");

/** True for a TCP listener, and for a socket without a peer of a protocol that has no listeners. */
function isListening({ words }: SocketRows, offset: number): boolean {
  const kind = words[offset + SOCKET.kind]!;
  if (kindProtocol(kind) === PROTOCOL.tcp) return kindState(kind) === SOCKET_STATE.listen;
  return (words[offset + SOCKET.ports]! & 0xffff) === 0;
}

/** Why a socket that could have an owner has none. */
function reasonWithoutOwner(facts: ScanFacts): OwnerReason {
  if (!facts.ownersWanted) return "off";
  if (!facts.procReadable) return "unavailable";
  return facts.denied > 0 || facts.hidepid !== "off" || facts.ownPids ? "permission" : "no-process";
}

/**
 * /proc does not say whether a socket bound to `::` takes IPv4 too. It does unless IPV6_V6ONLY is set, and where another socket
 * is bound to the same port of 0.0.0.0 that is the likelier reading. sock_diag says it; its rows are known by their cookie.
 */
function markDualStack(rows: SocketRows): void {
  const { words, count } = rows;
  const boundToIpv4 = new Set<string>();
  const open: number[] = [];
  for (let offset = 0; offset < count * SOCKET_WORDS; offset += SOCKET_WORDS) {
    const hasPeer = (words[offset + SOCKET.ports]! & 0xffff) !== 0;
    const hasCookie = words[offset + SOCKET.cookieLow] !== 0 || words[offset + SOCKET.cookieHigh] !== 0;
    if (hasPeer || hasCookie || !isUnspecified(words, offset + SOCKET.local)) continue;
    if (kindFamily(words[offset + SOCKET.kind]!) === FAMILY.ipv4) boundToIpv4.add(portKey(words, offset));
    else open.push(offset);
  }
  for (const offset of open) {
    if (!boundToIpv4.has(portKey(words, offset)))
      words[offset + SOCKET.kind]! |= packKind(0, 0, 0, SOCKET_FLAG.dualStack);
  }
}

function portKey(words: Uint32Array, offset: number): string {
  return `${words[offset + SOCKET.netns]} ${kindProtocol(words[offset + SOCKET.kind]!)} ${words[offset + SOCKET.ports]! >>> 16}`;
}
