/** The soak as a command: `npm run soak -- --minutes N`. Progress goes to stderr, the summary to stdout; exit 1 when something grows or is wrong, 2 for wrong usage. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { kernelObstacle } from "../../lab/kernel.ts";
import { FAULTS } from "../faults.ts";
import { runSoak } from "../run-soak.ts";
import { formatSummary, isPassed } from "../summary.ts";

const ALL = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

const HELP = `npm run soak -- [options]      as root; makes its own network namespaces

An agent that embeds conntrail, under mixed traffic, to which one fault after another is done, is watched for what
grows; at the end its last report must be what conntrack and ss list.

  --minutes N      how long (default 10; below some five, slopes cannot be told)
  --faults A,B     which faults (default: ${ALL.join(",")})
  --json FILE      writes the result as JSON
`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    faults: { type: "string", default: ALL.join(",") },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

process.exitCode = values.help ? help() : await soak();

function help(): number {
  process.stdout.write(HELP);
  return 0;
}

async function soak(): Promise<number> {
  const minutes = Number(values.minutes);
  const faults = values.faults.split(",") as (keyof typeof FAULTS)[];
  const unknown = faults.find((name) => !ALL.includes(name));
  if (!(minutes > 0) || unknown !== undefined) {
    process.stderr.write(
      unknown === undefined ? "--minutes: expected a number above 0\n" : `--faults: no ${unknown}\n`,
    );
    return 2;
  }
  const obstacle = await kernelObstacle();
  if (obstacle !== undefined) {
    process.stderr.write(`the soak cannot run here: ${obstacle}\n`);
    return 2;
  }
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const began = performance.now();
  const progress = (line: string): void => {
    process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}\n`);
  };
  const result = await runSoak({ ms: minutes * 60_000, faults, signal: stop.signal, progress });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(formatSummary(result));
  return isPassed(result) ? 0 : 1;
}
