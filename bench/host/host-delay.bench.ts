/**
 * T5: how long the event loop of the program that embeds a reporter is held up while conntrack tells 100,000 events a second and every
 * second's report has 100,000 connections. Beside it the same program without a reporter, under the same generator: what the machine
 * delays by itself. One after the other, in a namespace of their own.
 */
import { createLab, type Lab } from "@conntrail/test/lab/lab";
import { TRACK } from "@conntrail/test/lab/topology";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";

const FLOWS = 100_000;
const EVENTS_PER_SECOND = 100_000;
const SECONDS = 10;
const HOST = new URL("./host.mjs", import.meta.url).pathname;
const GENERATOR = new URL("../ingest/generate-flows.mjs", import.meta.url).pathname;

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "host/event-loop-delay/100k", needs: "kernel", samples: 5, measure },
];

/** What the host program prints: delays in milliseconds. */
interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly cpuMs: number;
  readonly reports: number;
  readonly connections: number;
}

async function measure({ progress }: MeasureContext): Promise<readonly Figure[]> {
  progress(`host/event-loop-delay: ${SECONDS} s with a reporter, ${SECONDS} s without`);
  const ours = await underLoad([]);
  const alone = await underLoad(["--alone"]);
  if (ours.connections < FLOWS) throw new Error(`a report of ${ours.connections} connections, expected ${FLOWS}`);
  const ms = (name: string, value: number): Figure => ({ name, unit: "ms", value });
  return [
    { ...ms("p99", ours.p99), target: { atMost: 5, note: "T5" } },
    ms("p99 without a reporter", alone.p99),
    ms("p50", ours.p50),
    ms("worst", ours.max),
    ms("worst without a reporter", alone.max),
    { name: "reports", unit: `in ${SECONDS} s`, value: ours.reports },
    { name: "connections in a report", unit: "rows", value: ours.connections },
    ms("CPU of all threads per second", ours.cpuMs / SECONDS),
  ];
}

/** One run of the host program beside the generator. */
async function underLoad(args: readonly string[]): Promise<Measured> {
  await using lab: Lab = await createLab("host");
  const host = lab.ns("host");
  await host.nft(TRACK);
  const load = [
    "--keep",
    String(FLOWS),
    "--rate",
    String(EVENTS_PER_SECOND),
    "--seconds",
    String(SECONDS + 2),
    "--wait",
  ];
  const generator = host.spawn(process.execPath, [GENERATOR, ...load]);
  await generator.line(() => true, 60_000);
  const program = host.spawn(process.execPath, [HOST, ...args]);
  await program.line((line) => line === "ready", 60_000);
  generator.write("go\n");
  await sleep(1000);
  program.write("begin\n");
  await sleep(SECONDS * 1000);
  program.write("end\n");
  return await program.json<Measured>(60_000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
