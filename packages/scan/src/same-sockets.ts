/** Rows that speak of one socket twice, and sockets that only their device tells apart. Source: `inet_diag_msg_common_fill`, net/ipv4/inet_diag.c. */
import {
  indexOf,
  kindProtocol,
  OWNER_REASON,
  PROTOCOL,
  SOCKET,
  SOCKET_WORDS,
  type SocketRows,
  sameAddress,
} from "@conntrail/model";
import type { InodeMap } from "./inode-map.ts";

const AMBIGUOUS = indexOf(OWNER_REASON, "ambiguous");

/**
 * One row per socket (S11): one that changed its place while it was dumped is told twice, and the later one is newer. `inodes` has the last row
 * of each inode. The subflows of MPTCP share an inode and are sockets of their own (F46): each has its cookie and, where /proc gives none, its own end.
 */
export function keepLastOfEach(rows: SocketRows, inodes: InodeMap): void {
  const { words, count } = rows;
  const shared = sharedInodes(rows, inodes);
  if (shared.size === 0) return;
  let kept = 0;
  for (let row = 0; row < count; row++) {
    const from = row * SOCKET_WORDS;
    const later = shared
      .get(words[from + SOCKET.inode]!)
      ?.find((other) => other > row && isSameSocket(words, from, other * SOCKET_WORDS));
    if (later !== undefined) continue;
    // Rows only ever move forward, so a later row is still where it was.
    if (kept !== row) words.copyWithin(kept * SOCKET_WORDS, from, from + SOCKET_WORDS);
    kept++;
  }
  rows.count = kept;
}

/** The rows of each inode that has several. */
function sharedInodes({ words, count }: SocketRows, inodes: InodeMap): Map<number, number[]> {
  const shared = new Map<number, number[]>();
  let withInode = 0;
  for (let row = 0; row < count; row++) if (words[row * SOCKET_WORDS + SOCKET.inode] !== 0) withInode++;
  if (withInode === inodes.size) return shared;
  for (let row = 0; row < count; row++) {
    // Endpoints of SCTP have an inode in common with each of their associations, which have many paths.
    if (kindProtocol(words[row * SOCKET_WORDS + SOCKET.kind]!) === PROTOCOL.sctp) continue;
    const inode = words[row * SOCKET_WORDS + SOCKET.inode]!;
    const last = inode === 0 ? row : inodes.get(inode);
    if (last === row) continue;
    const rows = shared.get(inode);
    if (rows === undefined) shared.set(inode, [row, last]);
    else rows.splice(-1, 0, row);
  }
  return shared;
}

function isSameSocket(words: Uint32Array, a: number, b: number): boolean {
  const low = words[a + SOCKET.cookieLow]!;
  const high = words[a + SOCKET.cookieHigh]!;
  if ((low | high) !== 0) return words[b + SOCKET.cookieLow] === low && words[b + SOCKET.cookieHigh] === high;
  const samePort = words[a + SOCKET.ports]! >>> 16 === words[b + SOCKET.ports]! >>> 16;
  return samePort && sameAddress(words, a + SOCKET.local, words, b + SOCKET.local);
}

/**
 * Sockets of one namespace with the same ends on different devices (link-local addresses, SO_BINDTODEVICE, VRFs) are told apart by the device
 * alone, and conntrack has no device: which of them a flow belongs to is not known. Where they have different owners, none is named (F47).
 */
export function denyOwnersOfSameEnds({ words, count }: SocketRows): void {
  const ports = new Set<number>();
  for (let at = 0; at < count * SOCKET_WORDS; at += SOCKET_WORDS) {
    if (words[at + SOCKET.device] !== 0) ports.add(words[at + SOCKET.ports]!);
  }
  if (ports.size === 0) return;
  const alike = new Map<string, number[]>();
  for (let at = 0; at < count * SOCKET_WORDS; at += SOCKET_WORDS) {
    if (!ports.has(words[at + SOCKET.ports]!)) continue;
    const ends = endsOf(words, at);
    const others = alike.get(ends);
    if (others === undefined) alike.set(ends, [at]);
    else others.push(at);
  }
  for (const sockets of alike.values())
    if (differ(words, sockets, SOCKET.device) && differ(words, sockets, SOCKET.owner)) deny(words, sockets);
}

function endsOf(words: Uint32Array, at: number): string {
  const protocol = kindProtocol(words[at + SOCKET.kind]!);
  return `${words[at + SOCKET.netns]} ${protocol} ${words.subarray(at + SOCKET.local, at + SOCKET.ports + 1).join(" ")}`;
}

function differ(words: Uint32Array, sockets: readonly number[], field: number): boolean {
  return sockets.some((at) => words[at + field] !== words[sockets[0]! + field]);
}

function deny(words: Uint32Array, sockets: readonly number[]): void {
  for (const at of sockets) {
    words[at + SOCKET.owner] = 0;
    words[at + SOCKET.reason] = AMBIGUOUS;
  }
}
