/** A change as its reader sees it. */
import { CHANGE_KIND, CHANGED_MEMBER } from "@conntrail/model";
import { type Connection, type Report, unpackReport } from "@conntrail/report";
import type { ChangesMessage } from "./pack-changes.ts";

/** What happened. `kind` tells which of the three. */
export type Change = ConnectionChange | GoneChange | PresentChange;

/** A connection was opened, became known otherwise than before, or ended. Each is opened once, and closed once at the most; one that was taken for over and lives (its entry was lost, and came back) is opened again under its id. What is summed up (the flag `aggregated`) is told as closed alone. */
export interface ConnectionChange {
  readonly kind: "opened" | "changed" | "closed";
  /** Unix milliseconds: what was known then. */
  readonly timeMs: number;
  readonly id: number;
  /** As it is now; valid as long as it is held. */
  readonly connection: Connection;
  /** What is another than it was told before; empty unless it changed, or changed as it closed. */
  readonly members: readonly ChangedMember[];
}

/** A connection that was told is one of its own no more, and its end is not known: it turned out to be part of another, or there was no room for it. */
export interface GoneChange {
  readonly kind: "gone";
  readonly timeMs: number;
  readonly id: number;
}

/** All connections that live: where a reader begins, and where it begins anew when it was too slow or the pipeline was started anew. */
export interface PresentChange {
  readonly kind: "snapshot";
  readonly timeMs: number;
  /** Changes that this reader was not told since the last snapshot; null when nobody knows how many: the pipeline was started anew. */
  readonly lost: number | null;
  readonly length: number;
  connections(): IterableIterator<Connection>;
}

/** `other`: an address, the namespace, where an end is, when it began, NAT, flags. `lastSeen`, `counters` and `tcp` alone are no change. */
export type ChangedMember = keyof typeof CHANGED_MEMBER;

const MEMBERS = Object.keys(CHANGED_MEMBER) as ChangedMember[];

/** The changes of a message, in order. */
export function readChanges({ packed, kinds, members, gone }: ChangesMessage): (ConnectionChange | GoneChange)[] {
  const report = unpackReport(packed);
  const timeMs = packed.window.endMs;
  const changes: (ConnectionChange | GoneChange)[] = [];
  for (let row = 0; row < kinds.length; row++) {
    const connection = report.connection(row);
    const { id } = connection;
    const kind = CHANGE_KIND[kinds[row]!]!;
    if (kind === "brief") {
      changes.push({ kind: "opened", timeMs, id, connection, members: [] });
      changes.push({ kind: "closed", timeMs, id, connection, members: [] });
    } else changes.push({ kind, timeMs, id, connection, members: memberNames(members[row]!) });
  }
  for (const id of gone) changes.push({ kind: "gone", timeMs, id });
  return changes;
}

/** A report of all that live, as a reader's beginning. */
export function presentChange(report: Report, timeMs: number, lost: number | null): PresentChange {
  return { kind: "snapshot", timeMs, lost, length: report.length, connections: () => report.connections() };
}

function memberNames(bits: number): readonly ChangedMember[] {
  return bits === 0 ? NONE : MEMBERS.filter((name) => bits & CHANGED_MEMBER[name]);
}

const NONE: readonly ChangedMember[] = [];
