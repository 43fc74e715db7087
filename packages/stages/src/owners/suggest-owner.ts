/** The rule of owners: what says more stays, so that a closed connection still has its process (F27). */
import { REASON } from "../codes.ts";
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";
import type { RowEnd } from "../rows/row-end.ts";

/** Sets owner (0: none) and reason (an index of OWNER_REASON) of an end, unless what is there says more. Of two that say the same, the later one holds. */
export function suggestOwner(rows: ConnectionRows, row: Row, end: RowEnd, owner: number, reason: number): void {
  if (RANK[reason]! >= RANK[rows.reason(row, end)]!) rows.setOwner(row, end, owner, reason);
}

/** How much a reason says. */
const RANK: Readonly<Uint8Array> = ranks();

function ranks(): Uint8Array {
  const rank = new Uint8Array(Object.keys(REASON).length);
  rank[REASON.ambiguous] = 1;
  rank[REASON["no-process"]] = 2;
  rank[REASON.permission] = 3;
  rank[REASON.listener] = 4;
  rank[REASON.known] = 5;
  return rank;
}
