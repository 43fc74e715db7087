/** The simulation finds bugs: those of programs/planted-bugs.mjs, planted one at a time into what one process loads. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Share } from "./programs/simulate-share.ts";
import type { Tally } from "./tally.ts";

const PLANTED = fileURLToPath(new URL("./programs/planted-bugs.mjs", import.meta.url));
const SIMULATE = fileURLToPath(new URL("./programs/simulate-share.ts", import.meta.url));
const TSX = fileURLToPath(new URL("../../node_modules/.bin/tsx", import.meta.url));
const HISTORIES = 10_000;

/** Which bug is found in which season. */
const BUGS: readonly (readonly [bug: string, season: string])[] = [
  ["cut-skipped", "busy"],
  ["cookie-ignored", "busy"],
  ["told-forgotten", "busy"],
];

test.each(BUGS)("the bug %s is found in 10,000 histories of season %s", { timeout: 240_000 }, (bug, season) => {
  const planted = { NODE_OPTIONS: `--import ${PLANTED}`, CONNTRAIL_PLANTED: bug };
  let found: number | undefined;
  // A history that breaks a law without the bug, too, says nothing of it.
  for (let from = 1; from <= HISTORIES && found === undefined; ) {
    const seed = simulate(season, from, HISTORIES + 1 - from, planted).findings[0]?.seed;
    if (seed === undefined) break;
    if (simulate(season, seed, 1, {}).findings.length === 0) found = seed;
    from = seed + 1;
  }
  expect(found, "a history that is whole without the bug, and broken with it").toBeTypeOf("number");
});

/** Runs `count` histories of a season from `seed` on, in a process of its own, until one breaks a law. */
function simulate(season: string, seed: number, count: number, variables: Readonly<Record<string, string>>): Tally {
  const share: Share = { first: seed, step: 1, end: seed + count, seasons: [season], untilBroken: true };
  const env = { ...process.env, ...variables };
  const { stdout, stderr } = spawnSync(TSX, [SIMULATE, JSON.stringify(share)], { env, encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Tally;
}
