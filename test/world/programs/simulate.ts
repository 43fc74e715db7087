/** The simulation as a command: `npm run simulate -- --histories N --seed S`. The tally goes to stdout, progress to stderr; exit 1 when a law is broken, or excused more often than it may be. */
import { fork } from "node:child_process";
import { parseArgs } from "node:util";
import { LAWS } from "../laws/index.ts";
import { SEASONS } from "../season.ts";
import { shrink } from "../shrink.ts";
import { storyOf } from "../story.ts";
import { addTally, emptyTally, excessesOf, formatTally, type Tally } from "../tally.ts";
import type { Share } from "./simulate-share.ts";

const HELP = `npm run simulate -- [options]

  --histories N    how many histories (default 1000)
  --seed S         the first one's seed; the others' follow (default 1)
  --season NAME    ${Object.keys(SEASONS).join(", ")}; default: all in turn
  --law NAME       hold reports against this law only
  --minutes M      stop after so long; Ctrl-C stops too, and tells what there is
  --jobs J         processes (default 2)
  --stories N      how many broken laws are shrunk and told (default 1)
  --json           print the tally as JSON

Laws:
${LAWS.map(({ name, says }) => `  ${name.padEnd(16)} ${says}`).join("\n")}
`;

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    season: { type: "string" },
    law: { type: "string" },
    minutes: { type: "string" },
    jobs: { type: "string", default: "2" },
    stories: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await simulate();

async function simulate(): Promise<void> {
  const [histories, seed, jobs, stories] = [values.histories, values.seed, values.jobs, values.stories].map(Number);
  const seasons = values.season === undefined ? Object.keys(SEASONS) : [values.season];
  const deadlineMs = values.minutes === undefined ? undefined : Number(values.minutes) * 60_000;
  const total = emptyTally();
  const began = performance.now();
  const shares = Array.from({ length: jobs! }, (_, job): Share => {
    return { first: seed! + job, step: jobs!, end: seed! + histories!, seasons, law: values.law, deadlineMs };
  });
  await Promise.all(shares.map((share) => run(share, (tally) => progress(total, tally, began))));
  const seconds = (performance.now() - began) / 1000;
  process.stderr.write("\n");
  const rate = `${(total.histories / seconds).toFixed(0)} histories a second with ${jobs} processes`;
  process.stdout.write(values.json ? `${JSON.stringify({ ...total, seconds })}\n` : `${formatTally(total)}\n${rate}\n`);
  for (const { seed: at, season, law, what } of total.findings)
    process.stdout.write(`  seed ${at} ${season} ${law} ${what}\n`);
  for (const { seed: at, season, law } of total.findings.slice(0, stories)) {
    process.stdout.write(`\nseed ${at}, season ${season}, shrunk:\n${storyOf(shrink(at, season, law))}\n`);
  }
  const excesses = excessesOf(total);
  for (const name of excesses) process.stdout.write(`  more often than it may be: ${name}\n`);
  if (Object.keys(total.broken).length > 0 || excesses.length > 0) process.exitCode = 1;
}

/** One process's share. Rejects when it ends without having finished it, unless that was asked for: what was tallied by then is told. */
function run(share: Share, onTally: (tally: Tally) => void): Promise<void> {
  const child = fork(new URL("./simulate-share.ts", import.meta.url), [JSON.stringify(share)]);
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
    child.kill();
  });
  child.on("message", (tally: Tally) => onTally(tally));
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => (code === 0 || stopped ? resolve() : reject(new Error(`a share ended with ${code}`))));
  });
}

function progress(total: Tally, tally: Tally, began: number): void {
  addTally(total, tally);
  const broken = Object.values(total.broken).reduce((sum, count) => sum + count, 0);
  const seconds = (performance.now() - began) / 1000;
  process.stderr.write(`\r${total.histories} histories, ${broken} breaches, ${seconds.toFixed(0)} s `);
}
