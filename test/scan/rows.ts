/** A table's rows in words, for tests: one line per socket, and its owner beside it. */
import {
  FAMILY,
  formatAddress,
  kindFamily,
  kindFlags,
  kindProtocol,
  kindState,
  OWNER_REASON,
  protocolName,
  SOCKET,
  SOCKET_FLAG,
  SOCKET_STATE,
  SOCKET_WORDS,
  type SocketTable,
} from "@conntrail/model";

const STATES = new Map<number, string>(Object.entries(SOCKET_STATE).map(([name, state]) => [state, name]));

/** One socket. */
export interface SocketLine {
  /** `tcp4 established 10.0.0.1|80 10.0.0.2|4000`. */
  readonly socket: string;
  readonly netns: number;
  readonly inode: number;
  readonly device: number;
  /** `1061 web (main) 1`, or the reason why there is none. */
  readonly owner: string;
  readonly owners: number;
  readonly dualStack: boolean;
  readonly bytesSent: number;
}

/** All sockets of a table, in its order. */
export function socketLines(table: SocketTable): SocketLine[] {
  const doubles = new Float64Array(table.rows.buffer);
  return Array.from({ length: table.count }, (_, row) => line(table, row * SOCKET_WORDS, doubles));
}

/** The lines whose text has all of these parts. */
export function linesWith(table: SocketTable, ...parts: readonly string[]): SocketLine[] {
  return socketLines(table).filter(({ socket }) => parts.every((part) => socket.includes(part)));
}

function line({ rows, owners }: SocketTable, at: number, doubles: Float64Array): SocketLine {
  const kind = rows[at + SOCKET.kind]!;
  const ports = rows[at + SOCKET.ports]!;
  const protocol = protocolName(kindProtocol(kind));
  const family = kindFamily(kind) === FAMILY.ipv4 ? 4 : 6;
  const local = `${formatAddress(rows, at + SOCKET.local)}|${ports >>> 16}`;
  const remote = `${formatAddress(rows, at + SOCKET.remote)}|${ports & 0xffff}`;
  const owner = owners[rows[at + SOCKET.owner]! - 1];
  return {
    socket: `${protocol}${family} ${STATES.get(kindState(kind))} ${local} ${remote}`,
    netns: rows[at + SOCKET.netns]!,
    inode: rows[at + SOCKET.inode]!,
    device: rows[at + SOCKET.device]!,
    owner: owner === undefined ? OWNER_REASON[rows[at + SOCKET.reason]!]! : `${owner.pid} ${owner.process}`,
    owners: rows[at + SOCKET.owners]!,
    dualStack: (kindFlags(kind) & SOCKET_FLAG.dualStack) !== 0,
    bytesSent: doubles[(at + SOCKET.bytesSent) >> 1]!,
  };
}
