/**
 * What changes cost beside reports: 100,000 live connections of which one in a hundred changes each second, half of the changes being beginnings and half ends. One pipeline makes a report
 * a second, the other looks for changes 25 times a second; both pack what they would send to another thread. CPU of the whole process, in turns within one run.
 */
import { FLOW_WORDS, type FlowBatch, type ReportContent, type Tick, takeRows } from "@conntrail/model";
import { packReport } from "@conntrail/report";
import { pipeline } from "@conntrail/reporter/pipeline";
import { NEVER, Subject } from "rxjs";
import type { BenchCase } from "../case.ts";
import { flowBatch, moveTo, NOW_MS } from "../stages/inputs.ts";

const LIVE = 100_000;
/** Beginnings a second, and as many ends. */
const BORN = 500;
const BATCHES = 25;
const SECONDS = 5;

const HOST = { id: "bench", name: "bench", localNetworks: [], kernelVersion: "", uptimeSeconds: 0 };
const NAMES = { cached: 0, pending: 0, requests: 0, hits: 0, lookups: 0, failures: 0, dropped: 0 };

/** A pipeline with its living connections; `second` plays one second of churn and is asked for its products. */
class Host {
  readonly #flows$ = new Subject<FlowBatch>();
  readonly #ticks$ = new Subject<Tick>();
  readonly #all: FlowBatch;
  readonly #ended: FlowBatch;
  readonly #take: (content: ReportContent) => void;
  readonly #looks: boolean;
  #born = LIVE;
  #dead = 0;
  #timeMs = NOW_MS;

  constructor(looks: boolean, seconds: number, take: (content: ReportContent) => void) {
    const shape = { flows: LIVE + seconds * BORN, natEvery: 4 };
    this.#all = flowBatch(shape);
    this.#ended = flowBatch(shape, true);
    this.#take = take;
    this.#looks = looks;
    const config = {
      merge: { sockets: false },
      names: { get: () => undefined, health: () => ({ state: "off", reason: "switched-off", ...NAMES }) as const },
      host: () => HOST,
      firstSequence: 1,
    };
    const inputs = {
      flows$: this.#flows$,
      sockets$: NEVER,
      trace$: NEVER,
      ticks$: this.#ticks$,
      now: () => this.#timeMs,
    };
    pipeline(inputs, config).subscribe({
      next: (content) => this.#take(content),
      error: (error: unknown) => {
        throw error;
      },
    });
    this.#give(this.#all, 0, LIVE);
    this.#tick(looks ? "all" : undefined);
  }

  second(): void {
    const share = BORN / BATCHES;
    for (let i = 0; i < BATCHES; i++) {
      this.#timeMs += 1000 / BATCHES;
      this.#give(this.#all, this.#born, this.#born + share);
      this.#give(this.#ended, this.#dead, this.#dead + share);
      this.#born += share;
      this.#dead += share;
      if (this.#looks) this.#tick("touched");
    }
    if (!this.#looks) this.#tick(undefined);
  }

  #give(batch: FlowBatch, from: number, to: number): void {
    const rows = batch.rows.slice(from * FLOW_WORDS, to * FLOW_WORDS);
    const part = { ...batch, timeMs: this.#timeMs, count: to - from, rows, changes: batch.changes.slice(from, to) };
    if (batch === this.#ended) moveTo(part, NOW_MS - 1000, this.#timeMs);
    this.#flows$.next(part);
  }

  #tick(news: "all" | "touched" | undefined): void {
    this.#ticks$.next({ kind: "tick", timeMs: this.#timeMs, final: false, ...(news && { news, endsTold: true }) });
  }
}

function cpuMs(work: () => void): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

export const cases: readonly BenchCase[] = [
  {
    kind: "measured",
    name: "report/changes/100k",
    samples: 3,
    measure: async () => {
      let sent = 0;
      let told = 0;
      const reports = new Host(false, SECONDS + 2, (content) => {
        sent += packReport(content).transfer.length;
      });
      const changes = new Host(true, SECONDS + 2, (content) => {
        told += content.changes?.rows.length ?? 0;
        const columns = takeRows(content.columns, content.changes?.rows ?? new Uint32Array(0));
        sent += packReport({ ...content, columns }).transfer.length;
      });
      for (const host of [reports, changes]) for (let i = 0; i < 2; i++) host.second();
      told = 0;
      let reportsMs = 0;
      let changesMs = 0;
      for (let i = 0; i < SECONDS; i++) {
        reportsMs += cpuMs(() => reports.second());
        changesMs += cpuMs(() => changes.second());
      }
      if (told !== SECONDS * 2 * BORN) throw new Error(`expected ${SECONDS * 2 * BORN} changes, got ${told}`);
      if (sent === 0) throw new Error("nothing was packed");
      return [
        { name: "a report a second", unit: "ms CPU/s", value: reportsMs / SECONDS },
        { name: "changes, 25 times a second", unit: "ms CPU/s", value: changesMs / SECONDS },
        {
          name: "changes against reports",
          unit: "ratio",
          value: changesMs / reportsMs,
          target: { atMost: 1 / 20, note: "issue 14" },
        },
      ];
    },
  },
];
