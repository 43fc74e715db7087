/** Kinds of histories, from an idle machine to one on which everything goes wrong. Each adds to the one before, but for `odd`, which stands aside. */

import type { Weather } from "./observe/plan.ts";
import type { Climate } from "./truth/history.ts";

/** What a history of this kind is like. */
export interface Season {
  readonly climate: Climate;
  readonly weather: Weather;
}

const CALM: Season = {
  climate: { reuse: 0, reuseMs: 400, tracked: 1, cookieless: 0, moving: 0, deleted: 0, handed: 0.2, own: 0, abrupt: 0 },
  weather: {
    stalls: 0,
    waits: 0,
    stallMs: 1,
    skewMs: 0,
    jams: 0,
    latencyMs: 2,
    scanMs: 10,
    losses: 0,
    restarts: 0,
    steps: 0,
    stepMs: 10,
    ghosts: 0.5,
  },
};

const BUSY: Season = {
  climate: { ...CALM.climate, reuse: 0.3 },
  weather: { ...CALM.weather, stalls: 2, waits: 2, stallMs: 600, skewMs: 250, jams: 1, latencyMs: 60, scanMs: 300 },
};

const ODD: Season = { ...BUSY, climate: { ...BUSY.climate, own: 0.2, abrupt: 0.6 } };

const REUSE: Season = { climate: { ...BUSY.climate, reuse: 0.8, reuseMs: 0.05 }, weather: BUSY.weather };

const PATCHY: Season = {
  climate: { ...REUSE.climate, tracked: 0.6, cookieless: 0.15, moving: 0.3, deleted: 0.15 },
  weather: BUSY.weather,
};

const LOSSY: Season = { climate: PATCHY.climate, weather: { ...BUSY.weather, losses: 3 } };

const ROUGH: Season = {
  climate: PATCHY.climate,
  weather: { ...LOSSY.weather, restarts: 2, steps: 2, stepMs: 3_600_000 },
};

/** By name, the mildest first. `odd`: connections to oneself, and ends that conntrack does not see. */
export const SEASONS: Readonly<Record<string, Season>> = {
  calm: CALM,
  busy: BUSY,
  odd: ODD,
  reuse: REUSE,
  patchy: PATCHY,
  lossy: LOSSY,
  rough: ROUGH,
};

/** A season by its name. Throws RangeError when there is none. */
export function seasonOf(name: string): Season {
  const season = SEASONS[name];
  if (season === undefined) throw new RangeError(`no such season: ${name}`);
  return season;
}
