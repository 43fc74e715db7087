/** Where a flow's ends are, and who opened it. Chains are linked by what comes of it: a row that was linked before is looked at again when that is otherwise now. */
import { touch } from "../flows/flow-book.ts";
import type { MergeState } from "../merge-state.ts";
import { locate } from "../namespaces/locate.ts";
import type { Row } from "../rows/row.ts";
import { directFlow } from "./direct.ts";

/** Decides both by what the current table says. */
export function placeAndDirect({ flows, context }: MergeState, row: Row): void {
  const { rows } = flows;
  const before = rows.linkFacts(row);
  locate(context.namespaces, rows, row);
  directFlow(context, rows, row, rows.endMs(row));
  // New rows are looked at anyway.
  if (rows.generation(row) !== 0 && rows.linkFacts(row) !== before) touch(flows, row);
}
