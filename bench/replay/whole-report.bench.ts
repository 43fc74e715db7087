/** A report of live flows as a whole (T3): from the tick through the stages to columns ready for another thread, and on to gzipped Scope JSON. */
import { gzipSync } from "node:zlib";
import { FLOW_CHANGE, type FlowBatch, type ReportContent, type Tick } from "@conntrail/model";
import { encodeScope, packReport } from "@conntrail/report";
import { pipeline } from "@conntrail/reporter/pipeline";
import { NEVER, Subject } from "rxjs";
import type { BenchCase, TimedCase } from "../case.ts";
import { fixtureFlows, fixtureRows } from "../fixtures.ts";

const START_MS = Date.UTC(2026, 0, 15, 12);
const SIZES = [
  [1_000, "1k"],
  [10_000, "10k"],
  [100_000, "100k"],
] as const;

const HOST = { id: "bench", name: "bench", localNetworks: [], kernelVersion: "", uptimeSeconds: 0 };
const NAMES = {
  state: "off",
  reason: "switched-off",
  cached: 0,
  pending: 0,
  requests: 0,
  hits: 0,
  lookups: 0,
  failures: 0,
  dropped: 0,
} as const;
const HEALTH: FlowBatch["health"] = {
  state: "ok",
  reason: null,
  advice: null,
  completeSinceMs: START_MS,
  events: { new: 0, update: 0, destroy: 0 },
  lost: 0,
  overruns: 0,
  resyncs: 0,
  reconciliations: 0,
  undecodable: 0,
  flows: 0,
  capacity: 262_144,
  evicted: 0,
  aggregated: 0,
  receiveBufferBytes: 0,
  namespaces: 1,
};

/** A pipeline that knows `count` live flows, and gives a report each time it is asked. */
function livePipeline(count: number, nat: number): () => ReportContent {
  const flows$ = new Subject<FlowBatch>();
  const ticks$ = new Subject<Tick>();
  let latest: ReportContent | undefined;
  let timeMs = START_MS;
  const config = {
    merge: { sockets: false },
    names: { get: () => undefined, health: () => NAMES },
    host: () => HOST,
    firstSequence: 1,
  };
  pipeline({ flows$, sockets$: NEVER, trace$: NEVER, ticks$, now: () => timeMs }, config).subscribe({
    next: (content) => {
      latest = content;
    },
    error: (error: unknown) => {
      throw error;
    },
  });
  const rows = fixtureRows(fixtureFlows(count, { nat }), START_MS);
  const changes = new Uint8Array(count).fill(FLOW_CHANGE.upsert);
  flows$.next({ kind: "flows", timeMs, epoch: 1, count, rows, changes, cutMs: null, health: HEALTH });
  return () => {
    timeMs += 1000;
    ticks$.next({ kind: "tick", timeMs, final: false });
    if (latest?.columns.length !== count)
      throw new Error(`expected ${count} connections, got ${latest?.columns.length}`);
    return latest;
  };
}

/** Nanoseconds a flow, out of milliseconds for 100,000. */
const perFlow = (ms: number): number => (ms * 1e6) / 100_000;

function ladder(name: string, finish: (content: ReportContent) => unknown, aimMs: number): TimedCase[] {
  return (["plain", "nat"] as const).flatMap((shape) =>
    SIZES.map(
      ([size, label]): TimedCase => ({
        kind: "timed",
        name: `replay/report-${name}/${shape}/${label}`,
        per: "flow",
        count: size,
        size,
        setup: () => {
          const report = livePipeline(size, shape === "nat" ? 0.25 : 0);
          return { run: () => finish(report()) };
        },
        ...(shape === "nat" && size === 100_000 ? { target: { atMost: perFlow(aimMs), note: "T3" } } : {}),
      }),
    ),
  );
}

export const cases: readonly BenchCase[] = [
  ...ladder("columns", (content) => packReport(content), 141),
  ...ladder("scope", (content) => gzipSync(encodeScope(content), { level: 1 }), 470),
];
