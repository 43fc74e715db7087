/** One history from seed to verdict: its truth, what was observed of it, and where the laws are broken. */

import { LAWS } from "./laws/index.ts";
import { type Circumstance, knowledgeOf } from "./laws/knowledge.ts";
import { type Observed, observe } from "./observe/observe.ts";
import { makePlan } from "./observe/plan.ts";
import { seasonOf } from "./season.ts";
import { type LeftOut, makeHistory, WHOLE } from "./truth/history.ts";

/** A breach of a law. */
export interface Violation {
  readonly law: string;
  /** The number of the life. */
  readonly life: number;
  /** The place of the report, or -1. */
  readonly report: number;
  readonly what: string;
  readonly circumstances: ReadonlySet<Circumstance>;
}

/** What a history gave. */
export interface Verdict {
  readonly observed: Observed;
  readonly violations: readonly Violation[];
  /** How many connections each law spoke about. */
  readonly asked: ReadonlyMap<string, number>;
}

/** Runs the history of a seed. */
export function runHistory(seed: number, season: string, leftOut: LeftOut = WHOLE): Verdict {
  const { climate, weather } = seasonOf(season);
  const history = makeHistory(seed, climate, leftOut);
  const plan = makePlan(seed, history.places.length, history.lengthMs, weather, leftOut);
  const observed = observe(history, plan, leftOut);
  return judge(observed);
}

/** Holds reports against the laws. */
function judge(observed: Observed): Verdict {
  const violations: Violation[] = [];
  const asked = new Map<string, number>();
  for (const known of knowledgeOf(observed).values()) {
    const { life, circumstances } = known;
    for (const law of LAWS) {
      let broken = false;
      const spoke = law.check(known, observed, (report, what) => {
        // One offence of a kind is enough for a connection.
        if (!broken) violations.push({ law: law.name, life: life.number, report, what, circumstances });
        broken = true;
      });
      if (spoke) asked.set(law.name, (asked.get(law.name) ?? 0) + 1);
    }
  }
  return { observed, violations, asked };
}
