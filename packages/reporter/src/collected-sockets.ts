/** The sockets of a table that are to be collected. The kernel was asked for no others where it can leave them out; what /proc lists, a recording or an injected scanner has is left out here. */
import { isLoopback, kindProtocol, protocolNumber, SOCKET, SOCKET_WORDS, type SocketTable } from "@conntrail/model";

/** What is collected. */
export interface Collected {
  /** Numbers of transport protocols. */
  readonly protocols: readonly number[] | "all";
  /** Connections to an address of the loopback too. */
  readonly loopback: boolean;
}

/** Everything. */
export const ALL_COLLECTED: Collected = { protocols: "all", loopback: true };

/** The options of a reporter that say so. */
export interface CollectionWords {
  readonly protocols: readonly string[] | undefined;
  readonly loopback: boolean;
}

/** What is collected, by the options of a reporter. Without a word about protocols all sockets are. */
export function collectedOf({ protocols, loopback }: CollectionWords): Collected {
  if (protocols === undefined || protocols.includes("all")) return { protocols: "all", loopback };
  return { protocols: protocols.map((name) => protocolNumber(name)!), loopback };
}

/** Leaves out the rest. Returns the table itself where all of it is wanted. */
export function collectedSockets(table: SocketTable, { protocols, loopback }: Collected): SocketTable {
  if (protocols === "all" && loopback) return table;
  const { rows, count } = table;
  const isWanted = (at: number): boolean => {
    if (protocols !== "all" && !protocols.includes(kindProtocol(rows[at + SOCKET.kind]!))) return false;
    return loopback || !isLoopback(rows, at + SOCKET.remote);
  };
  const kept: number[] = [];
  for (let row = 0; row < count; row++) if (isWanted(row * SOCKET_WORDS)) kept.push(row * SOCKET_WORDS);
  if (kept.length === count) return table;
  const wanted = new Uint32Array(kept.length * SOCKET_WORDS);
  for (const [i, at] of kept.entries()) wanted.set(rows.subarray(at, at + SOCKET_WORDS), i * SOCKET_WORDS);
  return { ...table, rows: wanted, count: kept.length };
}
