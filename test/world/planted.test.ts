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

/** Which bug is found in which season: one in which the law that it breaks holds. */
const BUGS: readonly (readonly [bug: string, season: string])[] = [
  ["cut-skipped", "calm"],
  ["cookie-ignored", "busy"],
  ["told-forgotten", "busy"],
];

test.each(BUGS)("the bug %s is found in 10,000 histories of season %s", { timeout: 240_000 }, (bug, season) => {
  const share: Share = { first: 1, step: 1, end: 1 + HISTORIES, seasons: [season], untilBroken: true };
  const env = { ...process.env, NODE_OPTIONS: `--import ${PLANTED}`, CONNTRAIL_PLANTED: bug };
  const { stdout, stderr } = spawnSync(TSX, [SIMULATE, JSON.stringify(share)], { env, encoding: "utf8" });
  expect(stderr).toBe("");
  const { findings, histories } = JSON.parse(stdout) as Tally;
  expect(findings).toHaveLength(1);
  expect(histories).toBeLessThanOrEqual(HISTORIES);
});
