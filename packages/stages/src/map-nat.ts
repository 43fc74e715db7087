/** The stage that says what the kernel rewrote. */
import type { Snapshot } from "@conntrail/model";
import { map } from "rxjs";
import { natKind } from "./nat/nat-kind.ts";
import type { Stage } from "./stage.ts";

/** Fills the `nat` column of each snapshot, in place. Ends and fails with its source; keeps nothing. */
export function mapNat(): Stage<Snapshot, Snapshot> {
  return map((snapshot) => {
    const { columns } = snapshot;
    for (let row = 0; row < columns.length; row++) columns.nat[row] = natKind(columns, row);
    return snapshot;
  });
}
