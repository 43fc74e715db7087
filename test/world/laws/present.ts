/** What lives and is known is shown. */
import { timeOf } from "../observe/plan.ts";
import type { Law } from "./law.ts";

/** How long what conntrack told of may wait for the namespaces that were not read since (write-flows.ts). */
const MOST_WAIT_MS = 1_000;

/** From the cut behind which all namespaces have told of it, or the second table where only sockets show it, until its end is known. */
export const present: Law = {
  name: "present",
  says: "every connection that is known to live is in every report",
  check({ rows, entries, opened, closing, shown, vanished }, { reports, sights }, breach) {
    if (opened === 0 && shown === 0) return false;
    reports.forEach(({ atMs, batches, tables, cutMs, final }, report) => {
      // Each namespace that tells of it makes it wait for the others anew.
      const latest = Math.max(0, ...entries.map((entry) => entry.opened).filter((batch) => batch <= batches));
      const joinedMs = sights.batchMs[latest]!;
      const isCut = cutMs === null || cutMs >= timeOf(joinedMs) || atMs - joinedMs > MOST_WAIT_MS;
      const byFlows = opened > 0 && batches >= opened && isCut && (closing === 0 || closing > batches);
      const bySockets = opened === 0 && shown > 0 && tables > shown && (vanished === 0 || vanished > tables);
      if (final || !(byFlows || bySockets)) return;
      if (!rows.some((each) => each.report === report)) breach(report, "it lives, is known, and is not there");
    });
    return true;
  },
};
