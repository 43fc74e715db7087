/** All laws, in reading order. */
import { direction } from "./direction.ts";
import { ends, names } from "./ends.ts";
import type { Law } from "./law.ts";
import { noRowTwice } from "./no-row-twice.ts";
import { overIsOver } from "./over-is-over.ts";
import { blanks, ownerGiven, ownerTrue } from "./owners.ts";
import { present } from "./present.ts";
import { staleGiven, staleTrue } from "./stale.ts";
import { toldOnce } from "./told-once.ts";

/** The laws about single connections. */
export const LAWS: readonly Law[] = [
  toldOnce,
  noRowTwice,
  overIsOver,
  present,
  direction,
  ownerTrue,
  ownerGiven,
  staleTrue,
  staleGiven,
  ends,
  names,
  blanks,
];
