/** No connection is shown after its end, and none is told as over before it is. */
import type { Law } from "./law.ts";

/** An end that is known may be held back until the next batch or table, and for this long at the most. */
const HELD_BACK_MS = 1_100;

/** Once told as ended it is never seen again; an end that was handed on shows in the next report but one; nothing that lives is told as ended. */
export const overIsOver: Law = {
  name: "over-is-over",
  says: "no connection is shown after its end, or told as over before it",
  check({ life, rows, opened, closed, vanished }, { reports, sights }, breach) {
    // Without an entry its sockets are all that can be known of it.
    const endMs = opened > 0 ? life.endMs : life.socketsEndMs;
    let told = -1;
    for (const { report, row } of rows) {
      const { atMs, batches, tables } = reports[report]!;
      if (told >= 0 && report > told && !row.ended) breach(report, `shown again after report ${told} told its end`);
      if (row.ended) told = told < 0 ? report : told;
      if (row.ended && !row.aggregated && endMs > atMs) breach(report, "told as over while it lives");
      if (row.ended) continue;
      const takenMs = opened > 0 ? sights.batchTakenMs[closed] : sights.tableTakenMs[vanished];
      const known = opened > 0 ? closed > 0 && batches > closed : vanished > 0 && tables > vanished && batches > 1;
      if (known && takenMs! + HELD_BACK_MS < atMs) breach(report, `shown as ${row.state} though its end had come`);
    }
    return rows.length > 0;
  },
};
