/** Entries that outlive their sockets. */
import type { Law } from "./law.ts";

/** Whatever conntrack says, and whatever was lost. */
export const staleTrue: Law = {
  name: "stale-true",
  says: "no connection is called stale while a socket of it is there, and one that is names nobody",
  check({ life, rows }, { reports }, breach) {
    const endMs = Math.max(life.client?.endMs ?? 0, life.server?.endMs ?? 0);
    for (const { report, row } of rows) {
      if (!row.stale) continue;
      if (endMs > reports[report]!.atMs) breach(report, "it is called stale, and has a socket");
      if (!row.ended && (row.from.owner ?? row.to.owner)) breach(report, "it is called stale, and names a process");
    }
    return rows.length > 0;
  },
};
