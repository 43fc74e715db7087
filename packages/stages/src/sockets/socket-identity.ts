/** What a socket is known by: its cookie, which sock_diag gives every socket for its whole life (sock_diag(7)), else its inode, which ends when its process lets go of it. */
import { SOCKET, sameAddress } from "@conntrail/model";

/** A cookie's low half is marked as one: /proc has none. */
const COOKIE = 0x80000000;

/** What the socket row at `offset` is known by, as a number that differs from those of other sockets with its ends; 0: nothing, it is the kernel's own and /proc showed it. */
export function identityAt(words: Uint32Array, offset: number): number {
  const cookie = words[offset + SOCKET.cookieLow]!;
  return hasCookie(words, offset) ? (cookie | COOKIE) >>> 0 : words[offset + SOCKET.inode]! & ~COOKIE;
}

/** True when the socket rows at two places are of one socket: it has its ends, its namespace, and what it is known by. */
export function isSameAt(words: Uint32Array, at: number, others: Uint32Array, offset: number): boolean {
  const identity = identityAt(words, at);
  return (
    identity !== 0 &&
    identity === identityAt(others, offset) &&
    words[at + SOCKET.ports] === others[offset + SOCKET.ports] &&
    words[at + SOCKET.netns] === others[offset + SOCKET.netns] &&
    sameAddress(words, at + SOCKET.local, others, offset + SOCKET.local) &&
    sameAddress(words, at + SOCKET.remote, others, offset + SOCKET.remote)
  );
}

function hasCookie(words: Uint32Array, offset: number): boolean {
  return (words[offset + SOCKET.cookieLow]! | words[offset + SOCKET.cookieHigh]!) !== 0;
}
