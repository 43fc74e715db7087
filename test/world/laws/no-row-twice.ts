/** No report shows a connection twice. */
import type { Law } from "./law.ts";

/** Rows of one report that are one connection: they carry its number. */
export const noRowTwice: Law = {
  name: "no-row-twice",
  says: "no report shows a connection twice",
  check({ rows }, _observed, breach) {
    for (let i = 1; i < rows.length; i++) {
      if (rows[i]!.report === rows[i - 1]!.report) breach(rows[i]!.report, "it is two rows of one report");
    }
    return rows.length > 0;
  },
};
