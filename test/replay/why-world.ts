/** Answers of `conntrail why` about hosts that a test makes up: events, tables and traces go through the real pipeline, and what it tells is explained from them. */
import type { FlowBatch, NameInquiry, ReportContent, SocketTable, Tick, TraceBatch } from "@conntrail/model";
import {
  FAMILY,
  formatAddress,
  type Owner,
  PROTOCOL,
  packKind,
  TRACE,
  TRACE_ROLE,
  TRACE_WORDS,
  type TraceHealth,
} from "@conntrail/model";
import { type ConnectionJson, viewReport } from "@conntrail/report";
import type { Explanation } from "@conntrail/reporter";
import { pipeline } from "@conntrail/reporter/pipeline";
import type { MergeOptions, NameSource } from "@conntrail/stages";
import { Subject } from "rxjs";
import { ends } from "../stages/ends.ts";
import { RecentInputs } from "./why-parts.ts";

type Input = FlowBatch | SocketTable | TraceBatch | Tick;

/** What happens on a host, in order, and what is known of names. */
export interface WhyWorld {
  readonly inputs: readonly Input[];
  readonly names?: NameSource;
  readonly merge?: MergeOptions;
  /** Bytes of inputs that are kept. Default: all of them. */
  readonly explainBuffer?: number;
}

/** Explains the connection to this port as the last report that has it tells it. */
export function explainWorld(
  { inputs, names = NAMED, merge = {}, explainBuffer = 64 << 20 }: WhyWorld,
  port: number,
): Explanation {
  const subjects = {
    flows$: new Subject<FlowBatch>(),
    sockets$: new Subject<SocketTable>(),
    trace$: new Subject<TraceBatch>(),
    ticks$: new Subject<Tick>(),
  };
  const reports: ReportContent[] = [];
  const host = { id: "host", name: "host", localNetworks: [], kernelVersion: "", uptimeSeconds: 0 };
  const lastMs = inputs.at(-1)!.timeMs;
  const config = { merge, names, host: () => host, firstSequence: 1 };
  pipeline({ ...subjects, now: () => lastMs }, config).subscribe({
    next: (content) => reports.push(content),
    error: (error: unknown) => {
      throw error;
    },
  });
  const kept = new RecentInputs(explainBuffer);
  for (const input of inputs) {
    if (input.kind !== "tick") kept.take(input as never);
    if (input.kind === "flows") subjects.flows$.next(input);
    else if (input.kind === "sockets") subjects.sockets$.next(input);
    else if (input.kind === "trace") subjects.trace$.next(input);
    else subjects.ticks$.next(input);
  }
  for (const content of reports.reverse()) {
    const { connections, health } = viewReport(content).toJSON();
    const row = connections.find(({ to }: ConnectionJson) => to.port === port);
    if (row !== undefined) return kept.explain(row, health, names, { nowMs: lastMs, wallAheadMs: 0 });
  }
  throw new Error(`no connection to port ${port} in ${reports.length} reports`);
}

/** A name source that knows nobody but these, and what became of the question for all others. */
export function namesOf(
  known: Readonly<Record<string, string>>,
  inquiry?: NameInquiry,
  health: object = {},
): NameSource {
  return {
    get: (words, offset) => {
      const name = known[formatAddress(words, offset)];
      return name === undefined ? undefined : [name];
    },
    inquiry: (words, offset) => (known[formatAddress(words, offset)] === undefined ? inquiry : undefined),
    health: () => ({ ...NAMES_OK, ...health }),
  };
}

const NAMES_OK = {
  state: "ok",
  reason: null,
  cached: 4,
  pending: 0,
  requests: 9,
  hits: 5,
  lookups: 4,
  failures: 0,
  dropped: 0,
} as const;

/** Everybody here has a name. */
const NAMED: NameSource = {
  get: (words, offset) => [`host-${formatAddress(words, offset).replace(/[^0-9a-f]+/g, "-")}.example`],
  health: () => NAMES_OK,
};

/** A process was seen to open, close or send from `local > remote`. */
export interface TracedFact {
  readonly ends: string;
  readonly role: keyof typeof TRACE_ROLE;
  readonly by: Owner;
  readonly netns: number;
  readonly atMs: number;
}

/** What the trace told by `timeMs`. `health`: of a trace that does not run. */
export function traced(timeMs: number, facts: readonly TracedFact[], health: Partial<TraceHealth> = {}): TraceBatch {
  const rows = new Uint32Array(facts.length * TRACE_WORDS);
  const doubles = new Float64Array(rows.buffer);
  const owners = [...new Set(facts.map(({ by }) => by))];
  for (const [i, fact] of facts.entries()) {
    const base = i * TRACE_WORDS;
    const { from, to } = ends(fact.ends);
    const protocol = fact.role === "sent" ? PROTOCOL.udp : PROTOCOL.tcp;
    rows.set(from.address, base + TRACE.local);
    rows.set(to.address, base + TRACE.remote);
    rows[base + TRACE.ports] = (from.port << 16) | to.port;
    rows[base + TRACE.kind] = packKind(protocol, FAMILY.ipv4, TRACE_ROLE[fact.role], 0);
    rows[base + TRACE.netns] = fact.netns;
    rows[base + TRACE.owner] = 1 + owners.indexOf(fact.by);
    doubles[(base + TRACE.sinceMs) / 2] = fact.atMs;
    doubles[(base + TRACE.untilMs) / 2] = fact.atMs;
  }
  const counts = { events: 0, lost: 0, undecodable: 0, facts: 0, cpus: 1, ringBytes: 0, processes: 0 };
  const ok = { state: "ok", reason: null, advice: null, ...counts, senders: "on" } as const;
  return { kind: "trace", timeMs, count: facts.length, rows, blind: null, owners, health: { ...ok, ...health } };
}
