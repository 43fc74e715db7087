/**
 * /proc/net/sctp/{eps,assocs}: endpoints and associations of SCTP, printed by `sctp_eps_seq_show` and `sctp_assocs_seq_show` (net/sctp/proc.c). By tokens an endpoint is
 * `ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS…`, an association `ASSOC SOCK STY SST ST HBKT ASSOC-ID TX RX UID INODE LPORT RPORT LADDRS… <-> RADDRS… TAB …`; a star stands
 * before the address that is used.
 */
import { existsSync } from "node:fs";
import {
  ASSOCIATION_STATES,
  addAssociation,
  addSctpListener,
  parseAddress,
  SOCKET_STATE,
  type SocketRows,
} from "@conntrail/model";
import type { Process } from "./pids.ts";
import { readBytes } from "./read-file.ts";

/** The two files. */
export const SCTP_FILES = ["sctp/eps", "sctp/assocs"] as const;
export type SctpFile = (typeof SCTP_FILES)[number];

/** The file's text in a process's network namespace, a copy; `undefined` when it is not there: the kernel has no SCTP, or nobody has used it yet. Throws OpError. */
export function readSctpSockets(root: string, file: SctpFile, process: Process = "self"): Uint8Array | undefined {
  return readBytes(`${root}/${process}/net/${file}`);
}

/** True when the network namespace of a process has SCTP: the kernel has it, and has loaded it. */
export function hasSctp(root: string, process: Process = "self"): boolean {
  return existsSync(`${root}/${process}/net/sctp`);
}

/** Tokens before the addresses, and among them those that are read. */
const ENDPOINT = { tokens: 8, state: 3, localPort: 5, inode: 7 } as const;
const ASSOCIATION = { tokens: 13, state: 4, inode: 10, localPort: 11, remotePort: 12 } as const;

/** Parses the text of one file of namespace `netns`, and adds a row for each address of what listens and each path of an association. Returns how many lines could not be read. */
export function parseSctpSockets(bytes: Uint8Array, netns: number, rows: SocketRows): number {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").split("\n");
  // A text that does not end with a line break ends in half a line.
  let unreadable = lines.pop() === "" ? 0 : 1;
  for (const line of lines) {
    if (/^ *(ENDPT|ASSOC) /.test(line)) continue;
    const [local, remote] = line.split("<->");
    const read = remote === undefined ? addEndpoint(local!, netns, rows) : addPaths(local!, remote, netns, rows);
    if (!read) unreadable++;
  }
  return unreadable;
}

function addEndpoint(line: string, netns: number, rows: SocketRows): boolean {
  const tokens = tokensOf(line);
  const number = (at: number): number => numberIn(tokens[at], 0xffffffff);
  const [state, inode] = [number(ENDPOINT.state), number(ENDPOINT.inode)];
  const localPort = numberIn(tokens[ENDPOINT.localPort], 0xffff);
  const { addresses } = addressesIn(tokens.slice(ENDPOINT.tokens));
  if ([state, inode, localPort].includes(-1) || addresses === undefined) return false;
  // One that only opens associations is known by these.
  if (state !== SOCKET_STATE.listen) return true;
  const socket = { netns, inode, cookieLow: 0, cookieHigh: 0, localPort, locals: addresses };
  addSctpListener(rows, { ...socket, device: 0, dualStack: false });
  return true;
}

function addPaths(left: string, right: string, netns: number, rows: SocketRows): boolean {
  const tokens = tokensOf(left);
  const inode = numberIn(tokens[ASSOCIATION.inode], 0xffffffff);
  const localPort = numberIn(tokens[ASSOCIATION.localPort], 0xffff);
  const remotePort = numberIn(tokens[ASSOCIATION.remotePort], 0xffff);
  const state = ASSOCIATION_STATES[numberIn(tokens[ASSOCIATION.state], 0xff)];
  const local = addressesIn(tokens.slice(ASSOCIATION.tokens));
  const remote = addressesIn(tokensOf(right.split("\t", 1)[0]!));
  if ([inode, localPort, remotePort].includes(-1) || state === undefined) return false;
  if (local.addresses === undefined || remote.addresses === undefined) return false;
  if (state === SOCKET_STATE.close) return true;
  const socket = { netns, inode, cookieLow: 0, cookieHigh: 0, localPort, locals: local.addresses };
  const ends = { remotePort, peers: remote.addresses, primaryLocal: local.primary, primaryPeer: remote.primary };
  addAssociation(rows, { ...socket, ...ends, state });
  return true;
}

function tokensOf(text: string): string[] {
  return text.split(" ").filter((token) => token !== "");
}

/** -1: none, or beyond `most`. */
function numberIn(token: string | undefined, most: number): number {
  if (token === undefined || !/^\d{1,10}$/.test(token)) return -1;
  const value = Number(token);
  return value > most ? -1 : value;
}

/** The addresses and the index of the one with a star, 0 when none has; no addresses when one of them is none. */
function addressesIn(tokens: readonly string[]): { addresses: Uint32Array[] | undefined; primary: number } {
  const addresses: Uint32Array[] = [];
  for (const token of tokens) {
    const address = parseAddress(token.replace("*", ""));
    if (address === undefined) return { addresses: undefined, primary: 0 };
    addresses.push(address);
  }
  const starred = tokens.findIndex((token) => token.startsWith("*"));
  return { addresses, primary: Math.max(0, starred) };
}
