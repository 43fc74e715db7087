/**
 * What is still costs next to nothing: `conntrail watch` on a host where nothing happens (T9), with connections that are open and silent (T12; CONNTRAIL_BENCH_CONNECTIONS of them,
 * 36,000 without it), and with namespaces in which nobody does anything (T13). The trace hears what other programs of the machine do: run it when they do little.
 */
import { fileURLToPath } from "node:url";
import { CONNTRAIL } from "@conntrail/test/lab/conntrail";
import { createLab, type Lab } from "@conntrail/test/lab/lab";
import { TRACK } from "@conntrail/test/lab/topology";
import type { BenchCase, Figure, MeasureContext } from "../case.ts";
import { sampleThreads } from "./thread-sampler.ts";

/** The first seconds are compilation; what it takes after them is what it keeps. */
const SETTLE_MS = 30_000;
const SAMPLE_MS = 10_000;
const CONNECTIONS = Number(process.env.CONNTRAIL_BENCH_CONNECTIONS ?? 36_000);
/** Each pair of a server and a client holds so many: a process may have 20,000 open files. */
const PER_PAIR = 9_000;
const NAMESPACES = 100;

const OWN = ["--namespaces", "own"];

export const cases: readonly BenchCase[] = [
  { kind: "measured", name: "host/at-rest/idle", needs: "kernel", samples: 1, measure: measureIdle },
  { kind: "measured", name: "host/at-rest/connections", needs: "kernel", samples: 1, measure: measureConnections },
  { kind: "measured", name: "host/at-rest/namespaces", needs: "kernel", samples: 1, measure: measureNamespaces },
];

async function measureIdle({ progress }: MeasureContext): Promise<readonly Figure[]> {
  progress("host/at-rest/idle");
  await using lab = await trackingLab();
  return figures("", await watched(lab, ["--format", "ndjson", ...OWN]), {
    cpu: 0.3,
    wakeUps: 20,
    mb: 110,
    note: "T9",
  });
}

async function measureConnections({ progress }: MeasureContext): Promise<readonly Figure[]> {
  await using lab = await trackingLab();
  const host = lab.ns("host");
  for (let made = 0; made < CONNECTIONS; made += PER_PAIR) {
    progress(`host/at-rest/connections: ${made} of ${CONNECTIONS}`);
    const connections = String(Math.min(PER_PAIR, CONNECTIONS - made));
    const server = host.spawn(process.execPath, [program("tcp-server"), "--lifetime", "600"]);
    const { port } = await server.json<{ port: number }>(60_000);
    const hold = ["--port", String(port), "--connections", connections, "--hold", "--bytes", "0", "--lifetime", "600"];
    const client = host.spawn(process.execPath, [program("tcp-client"), ...hold]);
    await client.json(300_000);
  }
  const changes = await watched(lab, ["--changes", ...OWN]);
  const reports = await watched(lab, ["--format", "ndjson", "--interval", "1s", ...OWN]);
  return [
    ...figures("changes: ", changes, { cpu: 3, mb: 200, note: "T12" }),
    ...figures("reports: ", reports, { cpu: 10, note: "T12" }),
  ];
}

async function measureNamespaces({ progress }: MeasureContext): Promise<readonly Figure[]> {
  progress(`host/at-rest/namespaces: ${NAMESPACES}`);
  const roles = Array.from({ length: NAMESPACES }, (_, i) => `n${i}`);
  await using lab = await createLab("host", ...roles);
  await lab.ns("host").nft(TRACK);
  const taken = await watched(lab, ["--format", "ndjson", "--interval", "1s", "--namespaces", "all"]);
  return figures("", taken, { cpu: 1, mb: 130, note: "T13" });
}

async function trackingLab(): Promise<Lab> {
  const lab = await createLab("host");
  await lab.ns("host").nft(TRACK);
  return lab;
}

/** Runs `conntrail watch` into nowhere, and samples it once it has settled. */
async function watched(lab: Lab, args: readonly string[]): Promise<Awaited<ReturnType<typeof sampleThreads>>> {
  const command = [process.execPath, CONNTRAIL, "watch", "--no-names", ...args];
  const watch = lab.ns("host").spawn("sh", ["-c", 'exec "$@" > /dev/null', "sh", ...command]);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const taken = await sampleThreads(watch.pid, SAMPLE_MS);
  await watch.stop();
  return taken;
}

interface Aims {
  readonly cpu: number;
  readonly wakeUps?: number;
  readonly mb?: number;
  readonly note: string;
}

function figures(prefix: string, taken: Awaited<ReturnType<typeof sampleThreads>>, aims: Aims): readonly Figure[] {
  const { cpu, wakeUps, mb, note } = aims;
  const aim = (atMost: number | undefined) => (atMost === undefined ? {} : { target: { atMost, note } });
  return [
    { name: `${prefix}CPU`, unit: "% of a core", value: taken.cpuPercent, ...aim(cpu) },
    { name: `${prefix}wake-ups`, unit: "a second", value: taken.wakeUps, ...aim(wakeUps) },
    { name: `${prefix}memory`, unit: "MB", value: taken.residentMb, ...aim(mb) },
  ];
}

function program(name: string): string {
  return fileURLToPath(new URL(`../../test/lab/programs/${name}.mjs`, import.meta.url));
}
