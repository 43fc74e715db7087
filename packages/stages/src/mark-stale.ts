/** The stage that says so when the socket table is older than it should be: a scan that hangs or is restarted leaves no other trace. */
import type { Snapshot, SnapshotHealth } from "@conntrail/model";
import { map } from "rxjs";
import type { Stage } from "./stage.ts";

/** Marks `health.sockets` as stale in snapshots whose table is older than `maxAgeMs`, unless `confirmedMs` tells of a later look that found nothing new. A worse state stays as it is. */
export function markStale(
  maxAgeMs: number,
  confirmedMs: () => number = () => Number.NEGATIVE_INFINITY,
): Stage<Snapshot, Snapshot> {
  return map((snapshot) => {
    const { sockets } = snapshot.health;
    const ageMs = sockets.timeMs === null ? 0 : snapshot.window.endMs - Math.max(sockets.timeMs, confirmedMs());
    if (ageMs <= maxAgeMs || sockets.state === "off") return snapshot;
    return { ...snapshot, health: { ...snapshot.health, sockets: stale(sockets, ageMs) } };
  });
}

function stale(sockets: SnapshotHealth["sockets"], ageMs: number): SnapshotHealth["sockets"] {
  const advice = `the last socket scan is ${Math.round(ageMs / 1000)} s old; the scan hangs, or is being started anew`;
  return { ...sockets, state: "degraded", reason: "stale", advice };
}
