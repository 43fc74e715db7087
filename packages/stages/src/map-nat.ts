/** The stage that says what the kernel rewrote, and which process passes connections on. */
import type { Snapshot } from "@conntrail/model";
import { map } from "rxjs";
import { linkLegs } from "./nat/link-legs.ts";
import { natKind } from "./nat/nat-kind.ts";
import type { Stage } from "./stage.ts";

/** Fills the columns `nat` and `via` of each snapshot, in place. Ends and fails with its source; keeps nothing. */
export function mapNat(): Stage<Snapshot, Snapshot> {
  return map((snapshot) => {
    const { columns } = snapshot;
    for (let row = 0; row < columns.length; row++) columns.nat[row] = natKind(columns, row);
    linkLegs(columns);
    return snapshot;
  });
}
