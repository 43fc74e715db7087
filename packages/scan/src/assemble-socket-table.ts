/** A table from a recorded scan. */
import type { SocketTable } from "@conntrail/model";
import type { ScanRecord } from "./scan-record.ts";
import { TableBuilder } from "./table-builder.ts";

const HOLDER_WORDS = 3;

/** Makes the table that the scan made when it was recorded: the same rows in the same order. Throws nothing: what cannot be decoded is counted in its health. */
export function assembleSocketTable(record: ScanRecord): SocketTable {
  const builder = new TableBuilder(record.facts);
  for (const dump of record.dumps) builder.add(dump);
  const { owners, holders } = record;
  const places = new Map<number, number>();
  for (let at = 0; at + HOLDER_WORDS <= holders.length; at += HOLDER_WORDS) {
    // A damaged recording must not point beyond its owners.
    if (holders[at + 1]! <= owners.length) places.set(holders[at]!, at);
  }
  const word = (inode: number, field: number): number => {
    const at = places.get(inode);
    return at === undefined ? 0 : holders[at + field]!;
  };
  return builder.finish({ owners, find: (inode) => word(inode, 1), holders: (inode) => word(inode, 2) }, record);
}
