/** What was told as over stays over: the sockets of a connection that only they showed are no later flow's. */
import { entryValue, firstEntry, nextEntry } from "../rows/hash-index.ts";
import type { Row } from "../rows/row.ts";
import { SOURCE_END } from "../rows/row-end.ts";
import type { PairRows } from "./pair-rows.ts";
import type { Socket, SocketSet } from "./socket-set.ts";

/** Notes it of the sockets of a connection, among those that vanished. */
export function noteOver(rows: PairRows, row: Row, past: SocketSet): void {
  const hash = rows.hashAt(row, SOURCE_END);
  for (let at = firstEntry(past.pairs, hash); at >= 0; at = nextEntry(past.pairs, hash, at)) {
    const socket = entryValue(past.pairs, at) as Socket;
    const netns = past.netns(socket);
    const identity = past.identity(socket);
    if (identity === 0) continue;
    const isLow = netns === rows.lowNetns(row) && identity === rows.lowIdentity(row);
    if (isLow || (netns === rows.highNetns(row) && identity === rows.highIdentity(row))) past.setOver(socket);
  }
}
