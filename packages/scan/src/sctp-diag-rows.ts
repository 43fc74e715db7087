/**
 * sock_diag's answers about SCTP as rows: endpoints, and associations with the addresses of both ends (INET_DIAG_LOCALS, INET_DIAG_PEERS). An association's state is its
 * own enum, its interface the one its route goes out by, and its cookie its endpoint's. Source: `inet_sctp_diag_fill`, net/sctp/diag.c.
 */
import {
  ASSOCIATION_STATES,
  addAssociation,
  addSctpListener,
  IPV4_MAPPED_WORD,
  SOCKET_STATE,
  type SocketRows,
  sameAddress,
} from "@conntrail/model";
import { decodeInetDiag, type InetDiagMessage } from "@conntrail/netlink";

/** Adds the rows of the message of `length` bytes at `offset`. Throws DecodeError; false for one that is neither an endpoint nor an association. */
export function addSctpRows(
  rows: SocketRows,
  netns: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const message = decodeInetDiag(bytes, offset, length);
  const { sourcePort: localPort, destinationPort: remotePort, inode } = message;
  if (localPort === 0 || message.locals === undefined) return false;
  const cookieLow = Number(message.cookie & 0xffffffffn);
  const cookieHigh = Number(message.cookie >> 32n);
  const locals = message.locals.map(toWords);
  const socket = { netns, inode, cookieLow, cookieHigh, localPort, locals };
  if (message.peers === undefined) {
    // One that only opens associations is known by these.
    if (message.state !== SOCKET_STATE.listen) return true;
    addSctpListener(rows, { ...socket, device: message.interface, dualStack: message.v6Only === false });
    return true;
  }
  const state = ASSOCIATION_STATES[message.state];
  if (state === undefined || remotePort === 0) return false;
  if (state === SOCKET_STATE.close) return true;
  const peers = message.peers.map(toWords);
  const primaryPeer = placeOf(message, message.destination, peers);
  addAssociation(rows, { ...socket, remotePort, state, peers, primaryPeer, primaryLocal: 0 });
  return true;
}

/** Where the address of the fixed part is among the peers. Of an IPv6 socket whose peer has IPv4 it is in another form. */
function placeOf({ family }: InetDiagMessage, address: Uint8Array, peers: readonly Uint32Array[]): number {
  const wanted = toWords(
    family === 10 && address.subarray(4).every((byte) => byte === 0) ? address.subarray(0, 4) : address,
  );
  return Math.max(
    0,
    peers.findIndex((peer) => sameAddress(peer, 0, wanted, 0)),
  );
}

function toWords(address: Uint8Array): Uint32Array {
  const words = new Uint32Array(4);
  new Uint8Array(words.buffer).set(address, 16 - address.length);
  if (address.length === 4) words[2] = IPV4_MAPPED_WORD;
  return words;
}
