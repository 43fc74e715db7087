/** Processes at the ends: never another's, and always one that a scan saw. */
import type { Owner } from "@conntrail/model";
import type { Observed } from "../observe/observe.ts";
import type { Row, RowEnd } from "../observe/report-rows.ts";
import type { Life, SocketLife } from "../truth/lives.ts";
import type { Process } from "../truth/processes.ts";
import { isReversed } from "./direction.ts";
import type { Law } from "./law.ts";

/** An end has a process that held its socket, or, where it says so, one that listened there. */
export const ownerTrue: Law = {
  name: "owner-true",
  says: "no end ever has another's process",
  check({ life, rows }, { history }, breach) {
    let asked = false;
    for (const { report, row } of rows) {
      for (const [which, end, socket] of endsOf(row, life)) {
        if (end.owner === undefined) continue;
        asked = true;
        const held = (socket?.holders ?? []).map(({ process }) => process);
        const served = which === "server" ? listenersOf(history, life) : [];
        if (held.some((process) => isSame(process, end.owner!))) continue;
        if (end.reason === "listener" && served.some((process) => isSame(process, end.owner!))) continue;
        breach(report, `its ${which} is said to be ${end.owner.process}(${end.owner.pid}), ${end.reason}`);
      }
    }
    return asked;
  },
};

/** From the report on that follows a table with the socket's process. */
export const ownerGiven: Law = {
  name: "owner-given",
  says: "an owner that any scan saw is given",
  check({ life, rows, sights }, { reports }, breach) {
    let asked = false;
    for (const { report, row } of rows) {
      // Its processes are taken back (stale.ts).
      if (row.stale && !row.ended) continue;
      for (const [which, end, socket] of endsOf(row, life)) {
        const seen = sights.find((sight) => sight.socket === socket && sight.owner !== undefined);
        if (seen === undefined || seen.table > reports[report]!.tables - 1) continue;
        asked = true;
        if (end.owner === undefined)
          breach(report, `its ${which} was seen by scan ${seen.table}, and is ${end.reason}`);
        else if (end.reason !== "known")
          breach(report, `its ${which} was seen by scan ${seen.table}, and is called ${end.reason}`);
      }
    }
    return asked;
  },
};

/** An end without a process says why. */
export const blanks: Law = {
  name: "blanks",
  says: "what is missing has a reason, whatever was lost",
  check({ rows }, _observed, breach) {
    for (const { report, row } of rows) {
      for (const { owner, reason } of [row.from, row.to]) {
        const claims = reason === "known" || reason === "listener";
        if ((owner === undefined) === claims) breach(report, `owner ${owner?.pid} beside reason ${reason}`);
      }
    }
    return rows.length > 0;
  },
};

function endsOf(row: Row, life: Life): [which: "client" | "server", end: RowEnd, socket: SocketLife | undefined][] {
  const [client, server] = isReversed(row, life) ? [row.to, row.from] : [row.from, row.to];
  return [
    ["client", client, life.client],
    ["server", server, life.server],
  ];
}

function listenersOf({ sockets }: Observed["history"], { path }: Life): Process[] {
  const { server } = path;
  if (server === undefined) return [];
  return sockets
    .filter(
      ({ life, place, local }) =>
        life === undefined && place === server.place && (local & 0xffff) === (server.local & 0xffff),
    )
    .flatMap(({ holders }) => holders.map(({ process }) => process));
}

function isSame(process: Process, { pid, startTicks }: Owner): boolean {
  return process.pid === pid && process.startTicks === startTicks;
}
