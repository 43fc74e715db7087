/** Real and visible ends are the truth's, as far as what rewrites them is known; names belong to their addresses. */
import { nameOf } from "../observe/late-names.ts";
import { addressOf, textOf } from "../truth/addresses.ts";
import { isReversed } from "./direction.ts";
import type { Law } from "./law.ts";

/** With the translating entry known, exactly the truth's; without it, what a socket or another namespace sees. */
export const ends: Law = {
  name: "ends",
  says: "real and visible ends are the truth's",
  check({ life, rows, translated }, { reports }, breach) {
    const { path } = life;
    for (const { report, row } of rows) {
      const [from, to] = isReversed(row, life) ? [row.to, row.from] : [row.from, row.to];
      const whole = translated > 0 && translated < reports[report]!.batches;
      const right = whole
        ? from.real === path.from && to.real === path.to && from.seen === path.fromSeen && to.seen === path.toSeen
        : (from.real === path.from || from.real === path.fromSeen) && (to.real === path.to || to.real === path.toSeen);
      if (right) continue;
      const seen = `${textOf(from.real)} > ${textOf(to.real)}, seen as ${textOf(from.seen)} > ${textOf(to.seen)}`;
      breach(report, `its ends are ${seen}`);
    }
    return rows.length > 0;
  },
};

/** A name is that of its address, or not there yet. */
export const names: Law = {
  name: "names",
  says: "no address has another's name",
  check({ rows }, _observed, breach) {
    for (const { report, row } of rows) {
      for (const end of [row.from, row.to]) {
        if (end.names.length === 0 || end.real < 0) continue;
        if (end.names[0] !== nameOf(addressOf(end.real).text))
          breach(report, `${textOf(end.real)} is called ${end.names[0]}`);
      }
    }
    return rows.length > 0;
  },
};
