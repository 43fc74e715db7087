/**
 * The life of one connection: when it begins and ends, how, and what that leaves in conntrack's tables and in the sockets. A tuple may be used again and
 * again: its lives come one after the other, as close as milliseconds. States are those of nf_conntrack_proto_tcp.c and tcp_states.h.
 */
import type { Path } from "./paths.ts";
import type { Holding } from "./processes.ts";

/** How a connection fares. UDP: `ok` is answered, `unanswered` is not. `abrupt`: both sockets go, and nothing of that passes conntrack, which keeps the entry for a while. */
export type Outcome = "ok" | "reset" | "refused" | "unanswered" | "abrupt";

/** Something that conntrack tells of an entry: 0 NEW, 1 UPDATE, 2 DESTROY. */
export const TOLD = { new: 0, update: 1, destroy: 2 } as const;

/** One change of an entry. */
export interface EntryEvent {
  readonly atMs: number;
  readonly told: number;
  /** TCP state; -1 for UDP. */
  readonly state: number;
  readonly status: number;
}

/** An entry in the table of a namespace: from NEW to DESTROY. `original` and `reply` as conntrack has them: for an entry made in mid-stream they may be exchanged. */
export interface Entry {
  readonly life: Life;
  readonly hop: number;
  readonly place: number;
  readonly id: number;
  readonly original: readonly [number, number];
  readonly reply: readonly [number, number];
  readonly events: readonly EntryEvent[];
}

/** A socket's state from a moment on; `held`: a process has it. */
export interface SocketStep {
  readonly atMs: number;
  readonly state: number;
  readonly held: boolean;
}

/** A socket of a connection, or one that only listens. */
export interface SocketLife {
  readonly place: number;
  readonly protocol: number;
  readonly local: number;
  readonly remote: number;
  readonly inode: number;
  readonly cookie: number;
  readonly steps: readonly SocketStep[];
  readonly endMs: number;
  readonly holders: readonly Holding[];
  /** Undefined for a listener. */
  readonly life: Life | undefined;
}

/** One connection. */
export interface Life {
  /** From 1; what its entries carry as mark and its sockets as bytes, so that a report's row says which it is. */
  readonly number: number;
  /** Lives of one tuple have one. */
  readonly group: number;
  readonly protocol: number;
  readonly path: Path;
  readonly outcome: Outcome;
  readonly beginMs: number;
  /** The last packet of its closing; for UDP, unanswered attempts and abrupt ends the end of its entries. */
  readonly endMs: number;
  /** The end as its sockets have it: an earlier one, where its entries outlive them. */
  readonly socketsEndMs: number;
  readonly entries: Entry[];
  client: SocketLife | undefined;
  server: SocketLife | undefined;
  /** An entry was deleted while the connection lived. */
  readonly deleted: boolean;
  /** The life of the same tuple that came before. */
  readonly before: Life | undefined;
}

/** The state of a socket at a moment; undefined when it does not exist. */
export function socketAt({ steps, endMs }: SocketLife, atMs: number): SocketStep | undefined {
  if (atMs >= endMs) return undefined;
  let found: SocketStep | undefined;
  for (const step of steps) {
    if (step.atMs > atMs) break;
    found = step;
  }
  return found;
}

/** The event that an entry's state comes from at a moment; undefined while there is no entry. */
export function entryAt({ events }: Entry, atMs: number): EntryEvent | undefined {
  let found: EntryEvent | undefined;
  for (const event of events) {
    if (event.atMs > atMs) break;
    found = event;
  }
  return found?.told === TOLD.destroy ? undefined : found;
}
