/** One process's share of a simulation: runs its histories, and sends a tally now and then. Argument: a Share as JSON. */
import { runHistory } from "../run-history.ts";
import { addVerdict, emptyTally } from "../tally.ts";

/** Seeds from `first`, every `step`-th, below `end`. */
export interface Share {
  readonly first: number;
  readonly step: number;
  readonly end: number;
  readonly seasons: readonly string[];
  readonly law: string | undefined;
  /** Milliseconds that it may take. */
  readonly deadlineMs: number | undefined;
}

const TALLY_EVERY = 200;

const share = JSON.parse(process.argv[2]!) as Share;
const began = performance.now();
let tally = emptyTally();
for (let seed = share.first; seed < share.end; seed += share.step) {
  if (share.deadlineMs !== undefined && performance.now() - began > share.deadlineMs) break;
  const season = share.seasons[Math.floor(seed / share.step) % share.seasons.length]!;
  addVerdict(tally, runHistory(seed, season), season, share.law);
  if (tally.histories < TALLY_EVERY) continue;
  process.send?.(tally);
  tally = emptyTally();
}
process.send?.(tally);
process.disconnect?.();
