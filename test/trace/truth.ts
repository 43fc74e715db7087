/** What really happened, as the programs of a test tell it, beside what the trace says of it. */
import { formatAddress, TRACE, TRACE_ROLE, TRACE_WORDS, type TraceBatch, type TraceRole } from "@conntrail/model";
import { openTracer, type Tracer } from "@conntrail/trace";

/** One fact of a batch in words. */
export interface TracedFact {
  readonly role: TraceRole;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
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
    // Somebody who is not known is nobody: pid 0.
    const { pid, process, startTicks } = owners[rows[at + TRACE.owner]! - 1] ?? { pid: 0, process: "", startTicks: 0 };
    return {
      role: ((rows[at + TRACE.kind]! >>> 16) & 0xff) as TraceRole,
      localAddress: formatAddress(rows, at + TRACE.local),
      remoteAddress: formatAddress(rows, at + TRACE.remote),
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

  /** The facts of one role at a namespace's port: which processes, by the server's address and the client's port. */
  by(role: TraceRole, netns: number, port: number): Truth {
    const found = new Map<string, number[]>();
    for (const fact of this.facts) {
      if (fact.role !== role || fact.netns !== netns) continue;
      const own = role === TRACE_ROLE.opened;
      if ((own ? fact.remotePort : fact.localPort) !== port) continue;
      const key = own ? `${fact.remoteAddress} ${fact.localPort}` : `${fact.localAddress} ${fact.remotePort}`;
      found.set(key, [...(found.get(key) ?? []), fact.pid]);
    }
    return found;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.tracer.close();
  }
}

/** Who was at one end of connections, by the server's address and the client's port, in any order: ports are used again. */
export type Truth = ReadonlyMap<string, readonly number[]>;

/** Lines "ADDRESS PORT PID". */
export function truthOf(lines: readonly string[]): Truth {
  const truth = new Map<string, number[]>();
  for (const line of lines) {
    const [, end, pid] = /^(\S+ \d+) (\d+)$/.exec(line) ?? [];
    if (end !== undefined) truth.set(end, [...(truth.get(end) ?? []), Number(pid)]);
  }
  return truth;
}

/** How many connections were told with their true process, how many without any, and how often somebody else was. That none is told twice is tested elsewhere. */
export function compare(truth: Truth, told: Truth) {
  let right = 0;
  let missing = 0;
  let wrong = 0;
  for (const [end, pids] of truth) {
    const others = [...(told.get(end) ?? [])];
    for (const pid of pids) {
      const at = others.indexOf(pid);
      if (at < 0) missing++;
      else {
        right++;
        others.splice(at, 1);
      }
    }
    wrong += others.filter((pid) => !pids.includes(pid)).length;
  }
  return { right, missing, wrong };
}
