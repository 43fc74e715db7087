/** A report of several namespaces against what `ss` and `conntrack` list in each of them: what the kernel has and no row tells, and what a row tells and the kernel has not. */
import type { ConnectionJson } from "@conntrail/report";
import type { LabNamespace } from "../lab/index.ts";
import { entriesOf, type ListedEntry, type ListedSocket, place, socketsOf } from "../parity/listings.ts";

/** The kernel's tables of one namespace. */
export interface Listing {
  readonly where: string;
  readonly sockets: readonly ListedSocket[];
  readonly entries: readonly ListedEntry[];
}

/** Lists a namespace's tables. */
export async function listingOf(namespace: LabNamespace): Promise<Listing> {
  const sockets = await namespace.exec("ss", ["-tuanpH"]);
  const entries = await namespace.exec("conntrack", ["-L"]);
  return { where: namespace.role, sockets: socketsOf(sockets), entries: entriesOf(entries) };
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };

/** What does not agree, each in one line; `rows` are the living connections of these namespaces. */
export function disagreements(rows: readonly ConnectionJson[], listings: readonly Listing[]): string[] {
  const found: string[] = [];
  for (const { where, sockets, entries } of listings) {
    for (const socket of sockets.filter(({ state }) => state === "ESTAB")) {
      const held = rows.filter((row) => sideOf(row, socket) !== undefined);
      if (held.length !== 1) found.push(`${where}: ${held.length} rows of the socket ${socket.line}`);
      for (const row of held) {
        const { pid } = row[sideOf(row, socket)!];
        if (pid === null || !socket.pids.includes(pid))
          found.push(`${where}: process ${pid} of the socket ${socket.line}`);
      }
    }
    for (const entry of entries.filter(isLiving)) {
      const told = rows.filter((row) => isEntry(row, entry));
      if (told.length !== 1) found.push(`${where}: ${told.length} rows of the entry ${entry.line}`);
    }
  }
  const sockets = listings.flatMap((each) => each.sockets);
  const entries = listings.flatMap((each) => each.entries);
  for (const row of rows) {
    const has = {
      conntrack: entries.some((entry) => isEntry(row, entry)),
      sockets: sockets.some((socket) => sideOf(row, socket) !== undefined),
    };
    for (const source of ["conntrack", "sockets"] as const) {
      if (row.sources.includes(source) && !has[source]) found.push(`no ${source} any more: ${JSON.stringify(row)}`);
    }
  }
  return found;
}

/** Other entries of TCP are on their way out, and what a row says of them is a matter of the moment. */
function isLiving({ state }: ListedEntry): boolean {
  return state === undefined || state === "ESTABLISHED";
}

/** The end of a row that a socket is. Each namespace on a connection's way may see either end as it is or as it was translated. */
function sideOf(row: ConnectionJson, { protocol, local, peer }: ListedSocket): "from" | "to" | undefined {
  if (row.protocol !== protocol) return undefined;
  const { from, to } = placesOf(row);
  if (from.has(local) && to.has(peer)) return "from";
  return to.has(local) && from.has(peer) ? "to" : undefined;
}

function isEntry(row: ConnectionJson, { protocol, original, reply }: ListedEntry): boolean {
  const { from, to } = placesOf(row);
  const isSame = from.has(original[0]) && to.has(original[1]) && to.has(reply[0]) && from.has(reply[1]);
  return isSame && PROTOCOLS[row.protocol] === protocol;
}

/** Where each end is seen. */
function placesOf({ from, to, nat }: ConnectionJson): { readonly from: Set<string>; readonly to: Set<string> } {
  const { visible } = nat ?? {};
  return {
    from: new Set([place(from), ...(visible ? [place(visible.from)] : [])]),
    to: new Set([place(to), ...(visible ? [place(visible.to)] : [])]),
  };
}
