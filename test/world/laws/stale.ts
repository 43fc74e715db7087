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

/** With the second table without its sockets (stale-entries.ts): those tables that came after conntrack had told everywhere that it is established, and before it told of the end. */
export const staleGiven: Law = {
  name: "stale-given",
  says: "a connection of which only entries are left names nobody",
  check(
    { life, rows, sights, entries, closing, shown, vanished },
    { reports, sights: { batchTakenMs, tableTakenMs } },
    breach,
  ) {
    if (life.outcome !== "abrupt" || life.path.kind === "own-socket" || shown === 0 || vanished === 0) return false;
    const established = entries.map((entry) => entry.established);
    if (established.includes(0) || !sights.some(({ owner }) => owner !== undefined)) return false;
    const knownMs = batchTakenMs[Math.max(...established)]!;
    const first = tableTakenMs.findIndex((takenMs, table) => table >= vanished && takenMs > knownMs);
    if (first < 0) return false;
    let asked = false;
    for (const { report, row } of rows) {
      const { batches, tables } = reports[report]!;
      if (row.ended || tables <= first + 1 || (closing !== 0 && closing <= batches)) continue;
      asked = true;
      if (!row.stale) breach(report, "its sockets are gone, and it is not called stale");
    }
    return asked;
  },
};
