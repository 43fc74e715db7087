/** Which ends of a connection are on this host, by their addresses and by the routes of its namespaces. */
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import { REPLY_END, SOURCE_END } from "../rows/row-end.ts";
import { HOLDER, holderOf, mayBeOwn, type NamespaceIndex } from "./namespace-index.ts";

/** Marks which ends are on this host, and whether that can be known. */
export function locate(namespaces: NamespaceIndex, rows: ConnectionRows, row: Row): void {
  const netns = rows.netns(row);
  rows.unplace(row, namespaces.facts.has(netns));
  for (const end of ENDS) {
    const holder = holderOf(namespaces, netns, rows.words, rows.address(row, end));
    if (holder !== HOLDER.none) rows.place(row, end, holder === netns);
    else if (end === REPLY_END && mayBeOwn(namespaces, netns, rows.words, rows.address(row, end)))
      rows.placeByRule(row);
  }
}

const ENDS = [SOURCE_END, REPLY_END];
