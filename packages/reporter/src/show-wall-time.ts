/**
 * From the time that all parts go by, which never steps, to that of the wall clock: the last thing that is done to a report. All of its times are moved
 * alike, so that they stay in order and inside the window, however the wall clock was set meanwhile (F60).
 */
import { type ConnectionColumns, type Snapshot, TCP_FACT, TCP_FACT_DOUBLES } from "@conntrail/model";

/** Moves the times of a snapshot by `aheadMs`. Its columns are changed in place: nobody else has them. */
export function showWallTime(snapshot: Snapshot, aheadMs: number): Snapshot {
  if (aheadMs === 0) return snapshot;
  const { window, columns, health, tcp } = snapshot;
  moveColumns(columns, aheadMs);
  if (tcp !== undefined) {
    for (let at = TCP_FACT.measuredMs; at < tcp.length; at += TCP_FACT_DOUBLES) tcp[at]! += aheadMs;
  }
  const { conntrack, sockets } = health;
  return {
    ...snapshot,
    window: { startMs: window.startMs + aheadMs, endMs: window.endMs + aheadMs },
    health: {
      ...health,
      conntrack: { ...conntrack, completeSinceMs: moved(conntrack.completeSinceMs, aheadMs) },
      sockets: { ...sockets, timeMs: moved(sockets.timeMs, aheadMs) },
    },
  };
}

function moveColumns({ length, firstSeenMs, lastSeenMs }: ConnectionColumns, aheadMs: number): void {
  for (let i = 0; i < length; i++) {
    firstSeenMs[i]! += aheadMs;
    lastSeenMs[i]! += aheadMs;
  }
}

function moved(timeMs: number | null, aheadMs: number): number | null {
  return timeMs === null ? null : timeMs + aheadMs;
}
