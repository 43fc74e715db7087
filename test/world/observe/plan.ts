/** What befalls the observers in one history: stalls, losses, restarts, steps of the clock, and their own pace. Each has a name, so that it can be left out. */
import { LABEL, type LeftOut } from "../truth/history.ts";
import { Random } from "../truth/random.ts";

/** How rough the observers have it: how many of each befall a history at the most, and how long they last at the most, in milliseconds. */
export interface Weather {
  /** The whole reader stands still. */
  readonly stalls: number;
  /** One namespace's queue is not read. */
  readonly waits: number;
  readonly stallMs: number;
  /** Between the readings of two namespaces for one batch. */
  readonly skewMs: number;
  /** The pipeline stands still: batches and tables wait. */
  readonly jams: number;
  readonly latencyMs: number;
  readonly scanMs: number;
  readonly losses: number;
  readonly restarts: number;
  readonly steps: number;
  readonly stepMs: number;
  /** Events are only told of entries that were made while somebody listened (`nf_conntrack_events` = 2). */
  readonly ghosts: number;
}

/** A stretch of time, of one place or of all. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  /** -1: all. */
  readonly place: number;
}

/** The plan. Milliseconds since the beginning of the history. */
export interface Plan {
  readonly stalls: readonly Stretch[];
  readonly jams: readonly Stretch[];
  readonly losses: readonly Stretch[];
  /** The ingest is down from one moment to another. */
  readonly restarts: readonly Stretch[];
  readonly steps: readonly { readonly atMs: number; readonly byMs: number }[];
  readonly skewMs: number;
  readonly latencyMs: number;
  readonly scanMs: number;
  readonly scanEveryMs: number;
  readonly tickEveryMs: number;
  readonly reconcileMs: number;
  readonly ghosts: boolean;
  /** When the observers begin. */
  readonly startMs: number;
  /** When everything is over, quiet included. */
  readonly endMs: number;
}

/** How long the observers go on in quiet, after the last connection was begun. */
const QUIET_MS = 3_200;

/** The plan of a seed. */
export function makePlan(seed: number, places: number, lengthMs: number, weather: Weather, leftOut: LeftOut): Plan {
  const random = new Random(seed, LABEL.watch);
  const stretches = (name: string, most: number, longestMs: number, of: number): Stretch[] => {
    const all = Array.from({ length: random.below(most + 1) }, () => {
      const fromMs = random.between(0, lengthMs);
      return { fromMs, toMs: fromMs + random.magnitude(1, longestMs), place: of === 0 ? -1 : random.below(of) };
    });
    return all.filter((_, i) => !leftOut.doings.has(`${name} ${i}`));
  };
  const steps = Array.from({ length: random.below(weather.steps + 1) }, () => {
    const byMs = random.magnitude(10, weather.stepMs) * (random.chance(0.5) ? 1 : -1);
    return { atMs: random.between(0, lengthMs), byMs };
  });
  return {
    stalls: [
      ...stretches("stall", weather.stalls, weather.stallMs, 0),
      ...stretches("wait", weather.waits, weather.stallMs, places),
    ],
    jams: stretches("jam", weather.jams, weather.stallMs, 0),
    losses: stretches("loss", weather.losses, 300, places),
    restarts: stretches("restart", weather.restarts, 600, 0),
    steps: steps.filter((_, i) => !leftOut.doings.has(`step ${i}`)),
    skewMs: weather.skewMs,
    latencyMs: weather.latencyMs,
    scanMs: weather.scanMs,
    scanEveryMs: random.pick([300, 500, 1_000, 1_000]),
    tickEveryMs: random.pick([300, 500, 1_000, 1_000]),
    reconcileMs: random.between(500, 1_500),
    ghosts: random.chance(weather.ghosts),
    startMs: random.chance(0.5) ? 0 : random.between(0, lengthMs / 3),
    endMs: lengthMs + QUIET_MS,
  };
}

/** The first moment from `atMs` on at which none of the stretches that concern `place` lies. */
export function after(stretches: readonly Stretch[], place: number, atMs: number): number {
  let free = atMs;
  for (let again = true; again; ) {
    again = false;
    for (const { fromMs, toMs, place: of } of stretches) {
      if ((of >= 0 && of !== place) || free < fromMs || free >= toMs) continue;
      free = toMs;
      again = true;
    }
  }
  return free;
}

/** A moment of the history as the observers' clock, which never steps, has it: Unix milliseconds. */
export function timeOf(atMs: number): number {
  return 1_700_000_000_000 + atMs;
}

/** What the wall clock is ahead of that. */
export function aheadMs({ steps }: Pick<Plan, "steps">, atMs: number): number {
  return steps.reduce((sum, step) => sum + (step.atMs <= atMs ? step.byMs : 0), 0);
}
