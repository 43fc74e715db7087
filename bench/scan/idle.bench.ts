/**
 * A later scan beside 2,000 processes that do nothing, while some processes come and go: where the trace tells what happened to processes, and where nobody does and each is looked at. One
 * after the other in each sample, so that both meet the same machine; once with nothing new, once with a listener that nobody is known to hold, which is searched for.
 */
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { Scanner } from "@conntrail/scan";
import { Program } from "@conntrail/test/lab/program";
import { openTracer, type Tracer } from "@conntrail/trace";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const IDLE = 2_000;
const SAMPLES = 10;
const WARM_UP_SCANS = 6;
/** Between two pairs of scans. Without it a socket that is being closed is there for two scans, and searched for in all processes. */
const PAUSE_MS = 300;
/** Programs that are run between two scans. */
const RUNS = 5;
const CROWD = fileURLToPath(new URL("./idle-crowd.pl", import.meta.url));

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "scan/idle/2000", needs: "kernel", samples: 1, measure },
];

/** A scanner and who tells it of processes, if anybody does. */
interface Watcher {
  readonly scanner: Scanner;
  readonly tracer: Tracer | undefined;
}

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  progress(`scan/idle: starting ${IDLE} processes`);
  await using crowd = new Program("perl", [CROWD, String(IDLE)]);
  await crowd.line((line) => line === "ready", 60_000);
  const tracer = openTracer();
  const told: Watcher = { scanner: new Scanner(), tracer };
  const untold: Watcher = { scanner: new Scanner(), tracer: undefined };
  try {
    const pair = async (): Promise<[number, number]> => {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      return [await cost(told), await cost(untold)];
    };
    for (let i = 0; i < WARM_UP_SCANS; i++) await pair();
    progress("scan/idle: scans");
    const idle: [number, number][] = [];
    const searching: [number, number][] = [];
    for (let i = 0; i < SAMPLES; i++) {
      for (let run = 0; run < RUNS; run++) execFileSync("true");
      idle.push(await pair());
      const server = await listening();
      searching.push(await pair());
      await new Promise((resolve) => server.close(resolve));
    }
    return [...figures("nothing new", idle), ...figures("a new listener", searching)];
  } finally {
    tracer.close();
  }
}

/** CPU of a scan, in milliseconds. What the trace costs is not in it: it runs for other reasons. */
async function cost({ scanner, tracer }: Watcher): Promise<number> {
  tracer?.drain();
  scanner.isStill({ nothingTold: false, entered: tracer?.takeEntered(), processes: tracer?.takeNews() });
  const { table, cpuMs } = await scanner.scan();
  if (table.health.processes < IDLE) throw new Error(`only ${table.health.processes} processes were found`);
  return cpuMs;
}

function listening(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  });
}

function figures(name: string, pairs: readonly (readonly [number, number])[]): Figure[] {
  return [
    { name: `${name}: told by the trace`, unit: "ms CPU", value: pairs.map(([told]) => told) },
    { name: `${name}: each looked at`, unit: "ms CPU", value: pairs.map(([, untold]) => untold) },
    { name: `${name}: told ÷ looked at`, unit: "×", value: pairs.map(([told, untold]) => told / untold) },
  ];
}
