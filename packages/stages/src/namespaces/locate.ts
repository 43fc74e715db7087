/** Which ends of a connection are on this host, by their addresses and by the routes of its namespaces. */
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import { placeMarks, REPLY_END, SOURCE_END } from "../rows/row-end.ts";
import { HOLDER, holderOf, mayBeOwn, type NamespaceIndex } from "./namespace-index.ts";

/** Marks which ends are on this host, and whether that can be known. */
export function locate(namespaces: NamespaceIndex, rows: ConnectionRows, row: Row): void {
  const netns = rows.netns(row);
  let places = 0;
  let ruled = false;
  for (const end of ENDS) {
    const holder = holderOf(namespaces, netns, rows.words, rows.address(row, end));
    if (holder !== HOLDER.none) places |= placeMarks(end, holder === netns);
    else if (end === REPLY_END) ruled = mayBeOwn(namespaces, netns, rows.words, rows.address(row, end));
  }
  rows.place(row, places, namespaces.facts.has(netns), ruled);
}

const ENDS = [SOURCE_END, REPLY_END];
