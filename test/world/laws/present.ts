/** What lives and is known is shown. */
import type { Law } from "./law.ts";

/** From the second batch on, or the second table where only sockets show it, until its end is known. */
export const present: Law = {
  name: "present",
  says: "every connection that is known to live is in every report",
  check({ rows, opened, closed, shown, vanished }, { reports }, breach) {
    if (opened === 0 && shown === 0) return false;
    reports.forEach(({ batches, tables, final }, report) => {
      const byFlows = opened > 0 && batches > opened && (closed === 0 || closed > batches);
      const bySockets = opened === 0 && shown > 0 && tables > shown && (vanished === 0 || vanished > tables);
      if (final || !(byFlows || bySockets)) return;
      if (!rows.some((each) => each.report === report)) breach(report, "it lives, is known, and is not there");
    });
    return true;
  },
};
