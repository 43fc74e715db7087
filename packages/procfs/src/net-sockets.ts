/**
 * /proc/net/{tcp,tcp6,udp,udp6}: proc_net_tcp(5) and the kernel's Documentation/networking/proc_net_tcp.rst; printed by
 * `get_tcp4_sock` (net/ipv4/tcp_ipv4.c), `get_tcp6_sock` (net/ipv6/tcp_ipv6.c) and `ip6_dgram_sock_seq_show` (net/ipv6/datagram.c).
 * A line is, by tokens: `sl:` `local` `remote` `state` `tx:rx` `tr:when` `retrnsmt` `uid` `timeout` `inode` …
 *
 * An address is printed as its 32-bit words in the machine's byte order (`%08X`), which is exactly how a row keeps it.
 */
import {
  FAMILY,
  IPV4_MAPPED_WORD,
  isIpv4,
  PROTOCOL,
  packKind,
  SOCKET,
  SOCKET_STATE,
  type SocketRows,
} from "@conntrail/model";
import type { Process } from "./pids.ts";
import { readBytes } from "./read-file.ts";

/** The four files. */
export const NET_SOCKET_FILES = ["tcp", "tcp6", "udp", "udp6"] as const;
export type NetSocketFile = (typeof NET_SOCKET_FILES)[number];

/** What a line does not say. */
export interface NetSocketsSource {
  /** PROTOCOL.tcp or PROTOCOL.udp. */
  readonly protocol: number;
  /** Inode of the namespace that the text came from. */
  readonly netns: number;
  /** States wanted: a bit `1 << SOCKET_STATE` for each. */
  readonly states: number;
}

/** The protocol whose sockets a file lists. */
export function netSocketProtocol(file: NetSocketFile): number {
  return file.startsWith("tcp") ? PROTOCOL.tcp : PROTOCOL.udp;
}

/** The file's text in a process's network namespace, a copy; `undefined` when it is not there (no IPv6: no tcp6, F40). Throws OpError. */
export function readNetSockets(root: string, file: NetSocketFile, process: Process = "self"): Uint8Array | undefined {
  return readBytes(`${root}/${process}/net/${file}`);
}

/**
 * Parses one file's text and adds a row for each socket in a wanted state. Returns how many lines could not be read: cut in
 * half (a text that does not end with a line break ends in such a line), of another form, or with a port 0 where there must be one.
 */
export function parseNetSockets(bytes: Uint8Array, source: NetSocketsSource, rows: SocketRows): number {
  const line = new SocketLine(bytes);
  let unreadable = 0;
  let start = endOfHeading(bytes);
  while (start < bytes.length) {
    const end = bytes.indexOf(LINE_FEED, start);
    if (end < 0) return unreadable + 1;
    const readable = line.parse(start, end) && hasItsPorts(line, source.protocol);
    if (!readable) unreadable++;
    else if ((source.states >>> line.state) & 1 && !line.isRemnant) writeRow(line, source, rows);
    start = end + 1;
  }
  return unreadable;
}

/** Where the first socket's line begins. The heading is recognised, not assumed: a text may be a part of the file. */
function endOfHeading(bytes: Uint8Array): number {
  let start = 0;
  while (bytes[start] === SPACE) start++;
  if (bytes[start] !== LETTER_S) return 0;
  const end = bytes.indexOf(LINE_FEED, start);
  return end < 0 ? bytes.length : end + 1;
}

/** A socket in the tables has a local port; a peer's port is missing only where there is no peer. */
function hasItsPorts(line: SocketLine, protocol: number): boolean {
  if (line.localPort === 0) return false;
  return line.remotePort !== 0 || protocol !== PROTOCOL.tcp || line.state === SOCKET_STATE.listen;
}

function writeRow(line: SocketLine, source: NetSocketsSource, rows: SocketRows): void {
  const offset = rows.add();
  if (offset < 0) return;
  const { words } = rows;
  words.set(line.local, offset + SOCKET.local);
  words.set(line.remote, offset + SOCKET.remote);
  // An IPv6 socket that carries IPv4 is an IPv4 connection (S11).
  const family = isIpv4(line.local) || isIpv4(line.remote) ? FAMILY.ipv4 : FAMILY.ipv6;
  words[offset + SOCKET.ports] = (line.localPort << 16) | line.remotePort;
  words[offset + SOCKET.kind] = packKind(source.protocol, family, line.state, 0);
  words[offset + SOCKET.netns] = source.netns;
  words[offset + SOCKET.inode] = line.inode;
}

/** The number before `tm->when` of what is left of a connection in TIME_WAIT or FIN_WAIT2 (`get_timewait4_sock`, net/ipv4/tcp_ipv4.c). */
const TIME_WAIT_TIMER = 3;

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_S = 0x73;
const NOT_HEX = 0xff;

/** Value of each byte as a hexadecimal digit. */
const HEX: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? NOT_HEX : digit;
});

/** A cursor over one line at a time. `parse` fills the fields; they hold until the next `parse`. */
class SocketLine {
  readonly local: Uint32Array = new Uint32Array(4);
  readonly remote: Uint32Array = new Uint32Array(4);
  localPort = 0;
  remotePort = 0;
  state = 0;
  inode = 0;
  /** What the kernel keeps of a closed connection is no socket, though it may show the state FIN_WAIT2: its timer tells. */
  isRemnant = false;
  readonly #bytes: Uint8Array;
  #at = 0;
  #end = 0;
  #bad = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True when the line has all the tokens in their form. */
  parse(start: number, end: number): boolean {
    this.#at = start;
    this.#end = end;
    this.#bad = false;
    this.#skipToken();
    this.localPort = this.#address(this.local);
    this.remotePort = this.#address(this.remote);
    this.#skipSpaces();
    this.state = this.#hex(2);
    this.#skipToken();
    this.#skipSpaces();
    this.isRemnant = this.#hex(2) === TIME_WAIT_TIMER && this.state !== SOCKET_STATE.timeWait;
    this.#skipToken();
    this.#skipToken();
    this.#decimal();
    this.#skipToken();
    this.inode = this.#decimal();
    return !this.#bad;
  }

  /** Reads `HEX:PORT`, 8 digits for IPv4 or 32 for IPv6. Returns the port. */
  #address(words: Uint32Array): number {
    this.#skipSpaces();
    if (this.#bytes[this.#at + 8] === COLON) {
      words.fill(0, 0, 2);
      words[2] = IPV4_MAPPED_WORD;
      words[3] = this.#hex(8);
    } else {
      for (let i = 0; i < 4; i++) words[i] = this.#hex(8);
    }
    if (this.#bytes[this.#at++] !== COLON) this.#bad = true;
    return this.#hex(4);
  }

  #hex(digits: number): number {
    const end = this.#at + digits;
    if (end > this.#end) {
      this.#bad = true;
      return 0;
    }
    let value = 0;
    while (this.#at < end) {
      const digit = HEX[this.#bytes[this.#at++]!]!;
      if (digit === NOT_HEX) this.#bad = true;
      value = (value << 4) | digit;
    }
    return value >>> 0;
  }

  /** A number of at most 32 bits that a space or the line's end follows. */
  #decimal(): number {
    this.#skipSpaces();
    const start = this.#at;
    let value = 0;
    while (this.#at < this.#end && this.#bytes[this.#at] !== SPACE) {
      const digit = this.#bytes[this.#at++]! - 0x30;
      if (digit < 0 || digit > 9) this.#bad = true;
      value = value * 10 + digit;
    }
    if (this.#at === start || value > 0xffffffff) this.#bad = true;
    return value;
  }

  #skipToken(): void {
    this.#skipSpaces();
    const start = this.#at;
    while (this.#at < this.#end && this.#bytes[this.#at] !== SPACE) this.#at++;
    if (this.#at === start) this.#bad = true;
  }

  #skipSpaces(): void {
    while (this.#at < this.#end && this.#bytes[this.#at] === SPACE) this.#at++;
  }
}
