/** One history as the observers see it: reader, scans and ticks in virtual time, their products through the real `pipeline()`, and the reports that come of it. */
import type { FlowBatch, HostFacts, ReportContent, SocketTable, Tick } from "@conntrail/model";
import { pipeline } from "@conntrail/reporter/pipeline";
import { EMPTY, Subject } from "rxjs";
import { placeLogs } from "../kernel/kernel.ts";
import { type History, LABEL, type LeftOut } from "../truth/history.ts";
import { Random } from "../truth/random.ts";
import { Agenda } from "./agenda.ts";
import { LateNames } from "./late-names.ts";
import { after, aheadMs, type Plan, timeOf } from "./plan.ts";
import { Reader } from "./reader.ts";
import { type Row, rowsOf } from "./report-rows.ts";
import { scan, scanTimes } from "./scanner.ts";
import { Sights } from "./sights.ts";

/** A report, and how much the pipeline had taken in before it: tables count from their cut on, for which they wait a second at the most. */
interface Report {
  readonly atMs: number;
  readonly final: boolean;
  readonly rows: readonly Row[];
  readonly batches: number;
  readonly tables: number;
  /** The cut of the last batch; null: there is none. */
  readonly cutMs: number | null;
}

/** As in await-cut.ts. */
const CUT_DEADLINE_MS = 1_000;

/** What came of a history. */
export interface Observed {
  readonly history: History;
  readonly plan: Plan;
  readonly sights: Sights;
  readonly reports: readonly Report[];
}

const HOST_FACTS: HostFacts = { id: "world", name: "world", localNetworks: [], kernelVersion: "", uptimeSeconds: 0 };

/** Before a regular report, a scan is asked for this long. */
const SCAN_LEAD_MS = 150;

/** Looks for changes so often, beside one just before each report. */
const LOOK_EVERY_MS = 37;

/**
 * Runs the observers over a history. `arrange` may bring the rows of a batch into another order. `listener`: is shown everything that the pipeline gives, and has it
 * look for changes as well.
 */
export function observe(
  history: History,
  plan: Plan,
  leftOut: LeftOut,
  arrange = asTheyCome,
  listener?: (content: ReportContent) => void,
): Observed {
  const sights = new Sights();
  const reports: Report[] = [];
  const agenda = new Agenda();
  const logs = placeLogs(history);
  const flows$ = new Subject<FlowBatch>();
  const sockets$ = new Subject<SocketTable>();
  const ticks$ = new Subject<Tick>();
  const names = new LateNames(history.seed, () => agenda.nowMs);
  const config = {
    merge: { capacity: 1_024 },
    names,
    host: () => HOST_FACTS,
    firstSequence: 1,
    wallAheadMs: () => aheadMs(plan, agenda.nowMs),
  };
  const inputs = { flows$, sockets$, trace$: EMPTY, ticks$, now: () => timeOf(plan.endMs) };
  let failure: { readonly error: unknown } | undefined;
  pipeline(inputs, config).subscribe({
    next: (content) => {
      listener?.(content);
      if (content.isReport === false) return;
      const final = agenda.nowMs > plan.endMs;
      const batches = sights.batchTakenMs.length - 1;
      reports.push({
        atMs: agenda.nowMs,
        final,
        rows: rowsOf(content),
        batches,
        tables: tablesBy(agenda.nowMs),
        cutMs,
      });
    },
    error: (error: unknown) => {
      failure = { error };
    },
  });

  // What the merge can have of the tables that have arrived.
  const waiting: SocketTable[] = [];
  let cutMs: number | null = 0;
  let merged = 0;
  const tablesBy = (nowMs: number): number => {
    for (let table = waiting[0]; table !== undefined; table = waiting[0]) {
      const isThere = cutMs === null || table.cutMs! <= cutMs;
      if (!isThere && timeOf(nowMs) - table.timeMs < CUT_DEADLINE_MS) break;
      waiting.shift();
      merged++;
    }
    return merged;
  };

  // The reader, and its batches on their way.
  let reader: Reader | undefined;
  let epoch = 0;
  let arrivesMs = 0;
  const latency = new Random(history.seed, LABEL.names);
  const arrive = (atMs: number, action: (nowMs: number) => void): void => {
    arrivesMs = Math.max(arrivesMs, atMs + latency.magnitude(0.05, 0.1 + plan.latencyMs));
    agenda.at(after(plan.jams, -1, arrivesMs), action);
  };
  const deliver = (batch: FlowBatch, _number: number, atMs: number): void => {
    const from = reader;
    const take = (nowMs: number): void => {
      sights.batchTakenMs.push(nowMs);
      cutMs = batch.cutMs;
      tablesBy(nowMs);
      flows$.next(arrange(batch));
      from?.acknowledge(nowMs);
    };
    arrive(atMs, take);
  };
  const start = (nowMs: number): void => {
    reader = new Reader({ history, plan, logs, agenda, sights, deliver }, ++epoch, nowMs);
  };
  agenda.at(plan.startMs, start);
  for (const { fromMs, toMs } of plan.restarts) {
    agenda.at(Math.max(fromMs, plan.startMs + 1), (nowMs) => {
      const last = reader?.last;
      reader?.kill();
      reader = undefined;
      // As sources.ts does: nothing changed, and nothing is known any more.
      if (last !== undefined) {
        arrive(nowMs, () => {
          cutMs = null;
          flows$.next(failed(last, timeOf(nowMs)));
        });
      }
      agenda.at(Math.max(toMs, nowMs + 1), (againMs) => {
        if (reader === undefined) start(againMs);
      });
    });
  }

  // Scans: at their interval and before each report, one at a time.
  let scannedMs = plan.startMs;
  const runScan = (slot: number, nowMs: number): void => {
    if (nowMs < scannedMs || leftOut.doings.has(`scan ${slot}`)) return;
    const random = new Random(history.seed, LABEL.scan, slot);
    const times = scanTimes(random, history.places.length, nowMs, plan.scanMs);
    const number = sights.tableStartMs.length;
    sights.tableStartMs.push(nowMs);
    const table = scan(history, times, number, random, sights);
    scannedMs = times.ownersMs;
    agenda.at(times.ownersMs, (doneMs) => {
      arrive(doneMs, (takenMs) => {
        sights.tableTakenMs.push(takenMs);
        waiting.push(table);
        tablesBy(takenMs);
        sockets$.next(table);
        agenda.at(takenMs + 0.05, (askedMs) => reader?.requestCut(askedMs));
      });
    });
  };
  let slots = 0;
  const scanAt = (atMs: number): void => {
    const slot = slots++;
    agenda.at(atMs, (nowMs) => runScan(slot, nowMs));
  };
  for (let atMs = plan.startMs + 5; atMs < plan.endMs; atMs += plan.scanEveryMs) scanAt(atMs);

  const look = (nowMs: number): void => {
    const news = looked ? "touched" : "all";
    looked = true;
    ticks$.next({ kind: "tick", timeMs: timeOf(nowMs), final: false, news });
  };
  let looked = false;
  if (listener !== undefined) {
    for (let atMs = plan.startMs + 1; atMs < plan.endMs; atMs += LOOK_EVERY_MS) agenda.at(atMs, look);
  }

  // Ticks: those that fall due while the pipeline is busy are one.
  let tickedMs = Number.NEGATIVE_INFINITY;
  const tick = (dueMs: number): void => {
    const atMs = after(plan.jams, -1, dueMs);
    if (atMs === tickedMs) return;
    tickedMs = atMs;
    agenda.at(atMs, (nowMs) => {
      if (listener !== undefined) look(nowMs);
      ticks$.next({ kind: "tick", timeMs: timeOf(nowMs), final: false });
    });
  };
  for (let atMs = plan.startMs + plan.tickEveryMs; atMs < plan.endMs; atMs += plan.tickEveryMs) {
    scanAt(atMs - SCAN_LEAD_MS);
    agenda.at(atMs, tick);
  }

  agenda.run(plan.endMs);
  reader?.stop(plan.endMs);
  // What is under way arrives before the last report is made.
  agenda.run(plan.endMs + 10_000);
  for (const subject of [flows$, sockets$, ticks$]) subject.complete();
  if (failure !== undefined) throw failure.error;
  return { history, plan, sights, reports };
}

function asTheyCome(batch: FlowBatch): FlowBatch {
  return batch;
}

function failed(last: FlowBatch, timeMs: number): FlowBatch {
  const health = { ...last.health, state: "off", reason: "failed", completeSinceMs: null } as const;
  return { ...last, timeMs, cutMs: null, count: 0, rows: new Uint32Array(0), changes: new Uint8Array(0), health };
}
