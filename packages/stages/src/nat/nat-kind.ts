/** What the kernel rewrote, from a connection's two tuples. Both addresses and ports are compared: a translation of the port alone is one too (S9). */
import {
  ADDRESS_WORDS,
  CONNECTION_FLAG,
  type ConnectionColumns,
  fromPort,
  sameAddress,
  toPort,
  visibleFromPort,
  visibleToPort,
} from "@conntrail/model";
import { NAT } from "../codes.ts";

/** The NAT_KIND of connection `row`, as its index. A redirect is destination NAT to the very namespace that does it. */
export function natKind(columns: ConnectionColumns, row: number): number {
  const at = row * ADDRESS_WORDS;
  const source =
    fromPort(columns, row) !== visibleFromPort(columns, row) ||
    !sameAddress(columns.originalSource, at, columns.replyDestination, at);
  const destination =
    toPort(columns, row) !== visibleToPort(columns, row) ||
    !sameAddress(columns.originalDestination, at, columns.replySource, at);
  if (!destination) return source ? NAT.snat : NAT.none;
  if (source) return NAT["dnat+snat"];
  return (columns.flags[row]! & CONNECTION_FLAG.toOwnNamespace) !== 0 ? NAT.redirect : NAT.dnat;
}
