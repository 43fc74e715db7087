/** The laws over simulated histories, CI's share: the same seeds each time. For longer: `npm run simulate -- --help`. */
import { describe, expect, test } from "vitest";
import { LAWS } from "./laws/index.ts";
import { runHistory } from "./run-history.ts";
import { SEASONS } from "./season.ts";
import { addVerdict, emptyTally, type Tally } from "./tally.ts";

/** The laws that hold in each season, named exceptions (exceptions.ts) aside, and for how many histories that is shown here. A law that starts to hold is added. */
const HELD: Readonly<Record<string, { readonly histories: number; readonly laws: readonly string[] }>> = {
  calm: { histories: 600, laws: LAWS.map(({ name }) => name) },
  busy: { histories: 300, laws: LAWS.map(({ name }) => name) },
  reuse: { histories: 200, laws: LAWS.map(({ name }) => name).filter((name) => name !== "no-row-twice") },
  patchy: { histories: 200, laws: ["direction", "names", "blanks"] },
  lossy: { histories: 200, laws: ["direction", "names", "blanks"] },
  rough: { histories: 200, laws: ["direction", "names", "blanks"] },
};

/** Another beginning than that of the command, so that both together see more. */
const FIRST_SEED = 1_000_001;

describe("over simulated histories", { timeout: 120_000 }, () => {
  test.each(Object.keys(SEASONS))("S6 F33 the laws that hold in %s are not broken", (season) => {
    const { histories, laws } = HELD[season]!;
    const tally = simulate(season, histories);
    expect(tally.findings.filter(({ law }) => laws.includes(law))).toEqual([]);
    // Each law was asked about connections: none holds for want of them.
    for (const law of laws) expect(tally.asked[law]).toBeGreaterThan(histories / 4);
  });

  test("a history is the same each time, and so are its reports", () => {
    for (const season of Object.keys(SEASONS)) {
      const [first, second] = [1, 2].map(() => JSON.stringify(runHistory(7, season).observed.reports));
      expect(first).toBe(second);
    }
  });
});

function simulate(season: string, histories: number): Tally {
  const tally = emptyTally();
  for (let i = 0; i < histories; i++) addVerdict(tally, runHistory(FIRST_SEED + i, season), season);
  return tally;
}
