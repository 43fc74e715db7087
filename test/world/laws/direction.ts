/** A direction that is called certain is right, and stays. */

import type { Row } from "../observe/report-rows.ts";
import type { Life } from "../truth/lives.ts";
import type { Law } from "./law.ts";

/** The opener is at `from`. */
export const direction: Law = {
  name: "direction",
  says: "a certain direction is never wrong and never flips",
  check({ life, rows }, _observed, breach) {
    let was: boolean | undefined;
    for (const { report, row } of rows) {
      if (row.confidence !== "certain") continue;
      const right = !isReversed(row, life);
      if (!right) breach(report, "its direction is called certain, and is wrong");
      if (was !== undefined && was !== right) breach(report, "its certain direction has flipped");
      was = right;
    }
    return was !== undefined;
  },
};

/** True when a row has the ends of a connection the other way round. */
export function isReversed({ from, to }: Row, { path }: Life): boolean {
  const isFrom = (end: number): boolean => end === path.from || end === path.fromSeen;
  const isTo = (end: number): boolean => end === path.to || end === path.toSeen;
  return !(isFrom(from.real) && isTo(to.real)) && isTo(from.real) && isFrom(to.real);
}
