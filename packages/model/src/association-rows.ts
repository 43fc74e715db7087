/**
 * SCTP's sockets as rows. An association joins several addresses at each end (multi-homing, RFC 9260 1.3), and conntrack has an entry for each pair of them that carried
 * packets: so it is a row for its primary path, and one for each other pair, which is another path of the same and no connection of its own.
 */
import { isIpv4 } from "./address.ts";
import { packKind } from "./flow-row.ts";
import { FAMILY, PROTOCOL, SOCKET_STATE } from "./protocol.ts";
import { SOCKET, SOCKET_FLAG } from "./socket-row.ts";
import type { SocketRows } from "./socket-rows.ts";

/** Paths of one association that are rows; the kernel's own hosts hardly have more than a few addresses. */
const MAX_PATHS = 64;

/** What an endpoint and its associations have in common. Addresses are four words each. */
export interface SctpSocket {
  readonly netns: number;
  readonly inode: number;
  /** 0 when read from /proc. */
  readonly cookieLow: number;
  readonly cookieHigh: number;
  readonly localPort: number;
  readonly locals: readonly Uint32Array[];
}

/** An association. */
export interface SctpAssociation extends SctpSocket {
  /** One of SOCKET_STATE. */
  readonly state: number;
  readonly remotePort: number;
  readonly peers: readonly Uint32Array[];
  /** Indices into `locals` and `peers` of the path that is used. */
  readonly primaryLocal: number;
  readonly primaryPeer: number;
}

/** Adds an association's paths, the primary one first: of a family's addresses each with each. */
export function addAssociation(rows: SocketRows, association: SctpAssociation): void {
  const { locals, peers, primaryPeer } = association;
  const peer = peers[primaryPeer];
  if (peer === undefined) return;
  const primary = [association.primaryLocal, ...locals.keys()].find((at) => isSameFamily(locals[at], peer));
  if (primary === undefined) return;
  addPath(rows, association, locals[primary]!, peer, 0);
  let paths = 1;
  for (const [i, remote] of peers.entries()) {
    for (const [j, local] of locals.entries()) {
      if ((i === primaryPeer && j === primary) || !isSameFamily(local, remote)) continue;
      if (paths++ === MAX_PATHS) return;
      addPath(rows, association, local, remote, SOCKET_FLAG.otherPath);
    }
  }
}

/** Adds an endpoint that waits for associations: a row for each address that it is bound to. `device`: the interface that it is bound to, 0 = none; `dualStack`: it takes IPv4 too. */
export function addSctpListener(
  rows: SocketRows,
  endpoint: SctpSocket & { readonly device: number; readonly dualStack: boolean },
): void {
  for (const local of endpoint.locals) {
    const offset = addRow(rows, endpoint, local);
    if (offset < 0) return;
    const ipv4 = isIpv4(local);
    rows.words.set(ipv4 ? [0, 0, local[2]!, 0] : [0, 0, 0, 0], offset + SOCKET.remote);
    rows.words[offset + SOCKET.ports] = (endpoint.localPort << 16) >>> 0;
    rows.words[offset + SOCKET.device] = endpoint.device;
    const flags = endpoint.dualStack && !ipv4 ? SOCKET_FLAG.dualStack : 0;
    rows.words[offset + SOCKET.kind] = kindOf(local, SOCKET_STATE.listen, flags);
  }
}

function addPath(rows: SocketRows, of: SctpAssociation, local: Uint32Array, remote: Uint32Array, flags: number): void {
  const offset = addRow(rows, of, local);
  if (offset < 0) return;
  rows.words.set(remote, offset + SOCKET.remote);
  rows.words[offset + SOCKET.ports] = ((of.localPort << 16) | of.remotePort) >>> 0;
  rows.words[offset + SOCKET.kind] = kindOf(local, of.state, flags);
}

function addRow(rows: SocketRows, socket: SctpSocket, local: Uint32Array): number {
  const offset = rows.add();
  if (offset < 0) return -1;
  const { words } = rows;
  words.set(local, offset + SOCKET.local);
  words[offset + SOCKET.netns] = socket.netns;
  words[offset + SOCKET.inode] = socket.inode;
  words[offset + SOCKET.cookieLow] = socket.cookieLow;
  words[offset + SOCKET.cookieHigh] = socket.cookieHigh;
  return offset;
}

function kindOf(local: Uint32Array, state: number, flags: number): number {
  return packKind(PROTOCOL.sctp, isIpv4(local) ? FAMILY.ipv4 : FAMILY.ipv6, state, flags);
}

function isSameFamily(local: Uint32Array | undefined, remote: Uint32Array): boolean {
  return local !== undefined && isIpv4(local) === isIpv4(remote);
}
