/** What really happened, as the programs of a test tell it, beside what the trace says of it. */
import { TRACE, TRACE_ROLE, TRACE_WORDS, type TraceBatch, type TraceRole } from "@conntrail/model";
import { openTracer, type Tracer } from "@conntrail/trace";

/** One fact of a batch in words. */
export interface TracedFact {
  readonly role: TraceRole;
  readonly localPort: number;
  readonly remotePort: number;
  readonly netns: number;
  readonly pid: number;
  readonly process: string;
  readonly startTicks: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** The facts of a batch. */
function factsOf({ rows, count, owners }: TraceBatch): TracedFact[] {
  const doubles = new Float64Array(rows.buffer);
  return Array.from({ length: count }, (_, i) => {
    const at = i * TRACE_WORDS;
    const { pid, process, startTicks } = owners[rows[at + TRACE.owner]! - 1]!;
    return {
      role: ((rows[at + TRACE.kind]! >>> 16) & 0xff) as TraceRole,
      localPort: rows[at + TRACE.ports]! >>> 16,
      remotePort: rows[at + TRACE.ports]! & 0xffff,
      netns: rows[at + TRACE.netns]!,
      pid,
      process,
      startTicks,
      sinceMs: doubles[(at + TRACE.sinceMs) / 2]!,
      untilMs: doubles[(at + TRACE.untilMs) / 2]!,
    };
  });
}

/** A tracer that is read while a test runs, and everything it told. */
export class Watch implements Disposable {
  readonly tracer: Tracer;
  readonly facts: TracedFact[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: Parameters<typeof openTracer>[0] = {}, everyMs = 10) {
    this.tracer = openTracer(options);
    this.#timer = setInterval(() => this.read(), everyMs);
  }

  /** Takes in what is there. */
  read(): void {
    for (const fact of factsOf(this.tracer.drain())) this.facts.push(fact);
  }

  /** The facts of one role at a namespace's port: which processes, by the other port. */
  by(role: TraceRole, netns: number, port: number): Map<number, Set<number>> {
    const found = new Map<number, Set<number>>();
    for (const fact of this.facts) {
      if (fact.role !== role || fact.netns !== netns) continue;
      const own = role === TRACE_ROLE.opened;
      if ((own ? fact.remotePort : fact.localPort) !== port) continue;
      const key = own ? fact.localPort : fact.remotePort;
      found.set(key, (found.get(key) ?? new Set()).add(fact.pid));
    }
    return found;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.tracer.close();
  }
}

/** Lines "PORT PID" as a map. Each port stands for one connection: a test's connections are fewer than its ports. */
export function truthOf(lines: readonly string[]): Map<number, number> {
  const pairs = lines.flatMap((line) => {
    const [, port, pid] = /^(\d+) (\d+)$/.exec(line) ?? [];
    return port === undefined ? [] : [[Number(port), Number(pid)] as const];
  });
  return new Map(pairs);
}

/** How many of the true pairs were traced, how many not, and how many as somebody else's. */
export function compare(truth: ReadonlyMap<number, number>, traced: ReadonlyMap<number, ReadonlySet<number>>) {
  let right = 0;
  let missing = 0;
  let wrong = 0;
  for (const [port, pid] of truth) {
    const pids = traced.get(port);
    if (pids === undefined) missing++;
    else if (pids.size === 1 && pids.has(pid)) right++;
    else wrong++;
  }
  return { right, missing, wrong };
}
