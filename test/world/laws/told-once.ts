/** Every connection that can be known is told as ended exactly once. */
import type { Law } from "./law.ts";

/** It can be known that a connection ended when conntrack told of it while it was open and of its end, or when one table had its sockets and a later one had not. */
export const toldOnce: Law = {
  name: "told-once",
  says: "every connection that can be known is told as ended exactly once",
  check(known, _observed, breach) {
    const told = known.rows.filter(({ row }) => row.ended && !row.aggregated);
    const byFlows = known.opened > 0 && known.closed > 0;
    const bySockets = known.opened === 0 && known.shown > 0 && known.vanished > 0;
    if (told.length > 1) {
      breach(
        told[1]!.report,
        `told as ended ${told.length} times, in reports ${told.map(({ report }) => report).join(", ")}`,
      );
    }
    if (told.length === 0 && (byFlows || bySockets)) breach(-1, "its end was known and never told");
    return told.length > 0 || byFlows || bySockets;
  },
};
