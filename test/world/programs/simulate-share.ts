/** One process's share of a simulation: runs its histories, and sends a tally now and then; without a parent to send to, prints one at the end. Argument: a Share as JSON. */
import { runHistory } from "../run-history.ts";
import { addTally, addVerdict, emptyTally, type Tally } from "../tally.ts";

/** Seeds from `first`, every `step`-th, below `end`. */
export interface Share {
  readonly first: number;
  readonly step: number;
  readonly end: number;
  readonly seasons: readonly string[];
  readonly law?: string | undefined;
  /** Milliseconds that it may take. */
  readonly deadlineMs?: number | undefined;
  /** Stop at the first broken law. */
  readonly untilBroken?: boolean;
}

const TALLY_EVERY = 200;

const share = JSON.parse(process.argv[2]!) as Share;
const began = performance.now();
const total = emptyTally();
let tally = emptyTally();
for (let seed = share.first; seed < share.end; seed += share.step) {
  if (share.deadlineMs !== undefined && performance.now() - began > share.deadlineMs) break;
  const season = share.seasons[Math.floor(seed / share.step) % share.seasons.length]!;
  addVerdict(tally, runHistory(seed, season), season, share.law);
  if (share.untilBroken && tally.findings.length > 0) break;
  if (tally.histories >= TALLY_EVERY) {
    give(tally);
    tally = emptyTally();
  }
}
give(tally);
if (process.send === undefined) process.stdout.write(`${JSON.stringify(total)}\n`);

function give(part: Tally): void {
  if (process.send === undefined) addTally(total, part);
  else process.send(part);
}
