/**
 * Sockets as sentences: `socket("10.0.0.1:1234 > 10.0.0.2:80").of(curl)`, `listener("0.0.0.0:80").of(nginx)`. A new socket is an established
 * TCP socket, local end first, in namespace HOST; its inode follows from its ends, so the same words are the same socket.
 */
import {
  FAMILY,
  isIpv4,
  type NamespaceFacts,
  OWNER_REASON,
  type Owner,
  type OwnerReason,
  PROTOCOL,
  packKind,
  parseAddress,
  type ScanHealth,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
  type TupleEnd,
} from "@conntrail/model";
import { end, ends, formatEnds } from "./ends.ts";
import { HOST } from "./flow-fixture.ts";

/** What a socket row says. */
interface SocketFacts {
  readonly local: TupleEnd;
  readonly remote: TupleEnd;
  readonly protocol: number;
  readonly state: number;
  readonly flags: number;
  readonly netns: number;
  readonly inode: number;
  readonly device: number;
  readonly owner: Owner | undefined;
  readonly reason: OwnerReason;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A socket that can be put into a table. */
export interface SocketFixture {
  readonly facts: SocketFacts;
  state(name: keyof typeof SOCKET_STATE): SocketFixture;
  udp(): SocketFixture;
  of(owner: Owner): SocketFixture;
  /** Nobody is known to hold it, and why. */
  without(reason: OwnerReason): SocketFixture;
  in(netns: number): SocketFixture;
  inode(inode: number): SocketFixture;
  /** Bound to the interface of that index. */
  on(device: number): SocketFixture;
  /** Only the kernel still has it. */
  orphaned(): SocketFixture;
  /** An IPv6 listener that takes IPv4 too. */
  dualStack(): SocketFixture;
  bytes(sent: number, received: number): SocketFixture;
}

/** A connected socket: `local > remote`. */
export function socket(text: string): SocketFixture {
  const { from: local, to: remote } = ends(text);
  return fixture({
    local,
    remote,
    protocol: PROTOCOL.tcp,
    state: SOCKET_STATE.established,
    flags: 0,
    netns: HOST,
    inode: hash(formatEnds({ from: local, to: remote })),
    device: 0,
    owner: undefined,
    reason: "no-process",
    bytesSent: -1,
    bytesReceived: -1,
  });
}

/** A listening TCP socket. */
export function listener(local: string): SocketFixture {
  const { address } = end(local);
  return socket(`${local} > ${isIpv4(address) ? "0.0.0.0" : "[::]"}:0`).state("listen");
}

/** An unconnected UDP socket. */
export function boundUdp(local: string): SocketFixture {
  return listener(local).udp().state("close");
}

function fixture(facts: SocketFacts): SocketFixture {
  const change = (changes: Partial<SocketFacts>): SocketFixture => fixture({ ...facts, ...changes });
  return {
    facts,
    state: (name) => change({ state: SOCKET_STATE[name] }),
    udp: () => change({ protocol: PROTOCOL.udp, inode: facts.inode ^ 1 }),
    of: (owner) => change({ owner }),
    without: (reason) => change({ owner: undefined, reason }),
    in: (netns) => change({ netns, inode: (facts.inode ^ Math.imul(netns, 40_503)) >>> 0 }),
    inode: (inode) => change({ inode }),
    on: (device) => change({ device, inode: (facts.inode ^ Math.imul(device, 7919)) >>> 0 }),
    orphaned: () => change({ inode: 0, owner: undefined, reason: "no-process" }),
    dualStack: () => change({ flags: SOCKET_FLAG.dualStack }),
    bytes: (bytesSent, bytesReceived) => change({ bytesSent, bytesReceived }),
  };
}

/** An inode that is not 0 and follows from the text (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 0x01000193);
  return (value | 2) >>> 0;
}

/** A process. */
export function owner(pid: number, process: string, startTicks = 100): Owner {
  return { pid, startTicks, process, ppid: 1, cmdline: process, cgroup: "", containerId: "" };
}

/** A namespace with its addresses; loopback comes by itself. */
export function namespace(netns: number, ...addresses: string[]): NamespaceFacts {
  const words = ["127.0.0.1", "::1", ...addresses].flatMap((text) => [...parseAddress(text)!]);
  const ephemeral = { low: 32_768, high: 60_999 };
  return { netns, addresses: Uint32Array.from(words), ephemeral, readFromMs: 0, readByMs: 0 };
}

/** What the scan says of itself when all is well. */
const SCAN_OK: ScanHealth = {
  state: "ok",
  reason: null,
  advice: null,
  scans: 1,
  durationMs: 5,
  sockets: 0,
  attributed: 0,
  processes: 0,
  namespaces: 1,
  undecodable: 0,
  backend: "sock_diag",
  uncut: 0,
};

/** What may be said about a table beside its sockets. */
export interface TableFacts {
  /** Default: the same moment as `timeMs`. */
  readonly startedMs?: number;
  readonly namespaces?: readonly NamespaceFacts[];
  readonly health?: Partial<ScanHealth>;
}

/** A whole scan. Without `namespaces` none is known. */
export function table(
  timeMs: number,
  sockets: readonly SocketFixture[],
  { startedMs = timeMs, namespaces: known = [], health = {} }: TableFacts = {},
): SocketTable {
  const namespaces = known.map((facts) => ({ ...facts, readFromMs: startedMs, readByMs: timeMs }));
  const rows = new Uint32Array(sockets.length * SOCKET_WORDS);
  const owners: Owner[] = [];
  sockets.forEach((item, i) => {
    writeSocket(rows, i * SOCKET_WORDS, item, owners);
  });
  const count = sockets.length;
  const facts = { startedMs, count, rows, owners, namespaces, health: { ...SCAN_OK, ...health } };
  return { kind: "sockets", timeMs, cutMs: timeMs, ...facts };
}

function writeSocket(rows: Uint32Array, base: number, { facts }: SocketFixture, owners: Owner[]): void {
  const doubles = new Float64Array(rows.buffer);
  rows.set(facts.local.address, base + SOCKET.local);
  rows.set(facts.remote.address, base + SOCKET.remote);
  rows[base + SOCKET.ports] = (facts.local.port << 16) | facts.remote.port;
  const family = isIpv4(facts.local.address) ? FAMILY.ipv4 : FAMILY.ipv6;
  rows[base + SOCKET.kind] = packKind(facts.protocol, family, facts.state, facts.flags);
  rows[base + SOCKET.netns] = facts.netns;
  rows[base + SOCKET.inode] = facts.inode;
  rows[base + SOCKET.device] = facts.device;
  rows[base + SOCKET.owner] = facts.owner === undefined ? 0 : placeOf(facts.owner, owners);
  rows[base + SOCKET.reason] = facts.owner === undefined ? OWNER_REASON.indexOf(facts.reason) : 0;
  rows[base + SOCKET.owners] = facts.owner === undefined ? 0 : 1;
  doubles[(base + SOCKET.bytesSent) / 2] = facts.bytesSent;
  doubles[(base + SOCKET.bytesReceived) / 2] = facts.bytesReceived;
}

function placeOf(item: Owner, owners: Owner[]): number {
  const known = owners.indexOf(item);
  return known < 0 ? owners.push(item) : known + 1;
}
