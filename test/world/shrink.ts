/** Makes a failing history small: leaves out connections and what befell the observers, one after the other, for as long as the same law is still broken. */
import { runHistory, type Verdict, type Violation } from "./run-history.ts";
import { type LeftOut, WHOLE } from "./truth/history.ts";

/** A history that cannot be made smaller, and where it breaks the law. */
export interface Shrunk {
  readonly leftOut: LeftOut;
  readonly verdict: Verdict;
  readonly violation: Violation;
}

/** What may befall the observers of one history, by name (observe/plan.ts, observe/observe.ts). */
const DOINGS: readonly string[] = [
  ...["stall", "wait", "jam", "loss", "restart", "step"].flatMap((name) => [0, 1, 2].map((i) => `${name} ${i}`)),
  ...Array.from({ length: 60 }, (_, slot) => `scan ${slot}`),
];

/** Shrinks the history of a seed in which `law` is broken under the same circumstances or fewer. Throws RangeError when it is not broken. */
export function shrink(seed: number, season: string, law: string): Shrunk {
  let best = attempt(seed, season, law, WHOLE);
  if (best === undefined) throw new RangeError(`seed ${seed} does not break ${law}`);
  for (const { number } of best.verdict.observed.history.lives) {
    const lives: ReadonlySet<number> = new Set([...best.leftOut.lives, number]);
    best = attempt(seed, season, law, { ...best.leftOut, lives }) ?? best;
  }
  for (const doing of DOINGS) {
    const doings: ReadonlySet<string> = new Set([...best.leftOut.doings, doing]);
    best = attempt(seed, season, law, { ...best.leftOut, doings }) ?? best;
  }
  return best;
}

function attempt(seed: number, season: string, law: string, leftOut: LeftOut): Shrunk | undefined {
  const verdict = runHistory(seed, season, leftOut);
  const violation = verdict.violations.find((each) => each.law === law);
  return violation && { leftOut, verdict, violation };
}
