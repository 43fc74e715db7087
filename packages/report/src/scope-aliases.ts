/**
 * Which real endpoint a virtual one is another name of, stable from report to report (F32).
 *
 * Scope lets an endpoint be the copy of one other (`copy_of`). A virtual address with several backends is a copy of the
 * lowest of them, by address and then port. Were only one report looked at, the choice would swing with whichever
 * backend happened to be busy; so backends stay known for a while after they were last seen.
 */
import { ADDRESS_WORDS, networkWord } from "@conntrail/model";

/** A real endpoint. */
export interface AliasTarget {
  readonly words: Uint32Array;
  readonly port: number;
  readonly scope: number;
  /** Its id in Scope's format. */
  readonly id: string;
  readonly local: boolean;
}

/** What to remember, and for how long. */
export interface ScopeAliasOptions {
  /** Virtual endpoints at the most; the one unseen for longest goes first. Default 10,000. */
  readonly capacity?: number;
  /** How long a backend is remembered. Default 60,000: four times as long as Scope's app keeps a report. */
  readonly keepMs?: number;
}

/** The memory. One per receiver of reports, handed to every `encodeScope()` call for it. */
export interface ScopeAliases {
  /** Takes note that `virtual` led to `target`. */
  observe(virtual: string, target: AliasTarget, nowMs: number): void;
  /** The targets of `virtual` that are remembered, lowest first; never more than BACKENDS_KEPT. */
  targets(virtual: string, nowMs: number): readonly AliasTarget[];
  /** Virtual endpoints remembered now, and those forgotten for want of room. */
  readonly size: number;
  readonly evicted: number;
}

const DEFAULTS = { capacity: 10_000, keepMs: 60_000 } as const;

/** Backends remembered for one virtual endpoint: the lowest. Only the first is used, and whether there is a second. */
const BACKENDS_KEPT = 8;

interface Backend {
  target: AliasTarget;
  seenMs: number;
}

/** An empty memory. */
export function createScopeAliases(options: ScopeAliasOptions = {}): ScopeAliases {
  const { capacity, keepMs } = { ...DEFAULTS, ...options };
  // In the order of last use: a Map keeps the order of insertion.
  const known = new Map<string, Backend[]>();
  let evicted = 0;
  const fresh = (virtual: string, nowMs: number): Backend[] =>
    (known.get(virtual) ?? []).filter(({ seenMs }) => nowMs - seenMs <= keepMs);

  return {
    observe(virtual: string, target: AliasTarget, nowMs: number): void {
      const backends = fresh(virtual, nowMs);
      const have = backends.find((backend) => compareTargets(backend.target, target) === 0);
      if (have === undefined) backends.push({ target, seenMs: nowMs });
      else Object.assign(have, { target, seenMs: nowMs });
      backends.sort((a, b) => compareTargets(a.target, b.target));
      known.delete(virtual);
      known.set(virtual, backends.slice(0, BACKENDS_KEPT));
      if (known.size > capacity) {
        known.delete(known.keys().next().value!);
        evicted++;
      }
    },
    targets: (virtual, nowMs) => fresh(virtual, nowMs).map(({ target }) => target),
    get size() {
      return known.size;
    },
    get evicted() {
      return evicted;
    },
  };
}

/** The order of endpoints: by address as the network writes it, then port, then scope. */
export function compareTargets(a: Omit<AliasTarget, "id" | "local">, b: Omit<AliasTarget, "id" | "local">): number {
  for (let i = 0; i < ADDRESS_WORDS; i++) {
    const difference = networkWord(a.words[i]!) - networkWord(b.words[i]!);
    if (difference !== 0) return difference;
  }
  return a.port - b.port || a.scope - b.scope;
}
