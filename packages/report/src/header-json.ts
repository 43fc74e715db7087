/** The parts of a report beside its connections, in the shape of json-shape.ts. */
import type { HostFacts, ReportWindow, SnapshotHealth } from "@conntrail/model";
import type { HealthJson, HostJson, ProcessJson, WindowJson } from "./json-shape.ts";
import { processJson } from "./process-identity.ts";
import type { RawReport } from "./raw-report.ts";
import { selectionOf } from "./selection.ts";
import { isoTime } from "./time.ts";

/** The host. */
export function hostJson({ id, name, kernelVersion, uptimeSeconds, localNetworks }: HostFacts): HostJson {
  return { id, name, kernelVersion, uptimeSeconds, localNetworks };
}

/** The window. */
export function windowJson({ startMs, endMs }: ReportWindow): WindowJson {
  return { start: isoTime(startMs), end: isoTime(endMs) };
}

/** The health at the end of the window. */
export function healthJson(
  { conntrack, sockets, names, merge, trace, containers }: SnapshotHealth,
  endMs: number,
): HealthJson {
  const { events } = conntrack;
  return {
    conntrack: {
      state: conntrack.state,
      reason: conntrack.reason,
      completeSince: isoTime(conntrack.completeSinceMs),
      events: events.new + events.update + events.destroy,
      lost: conntrack.lost,
      overruns: conntrack.overruns,
      resyncs: conntrack.resyncs,
      flows: conntrack.flows,
      advice: conntrack.advice,
      eventsByType: { new: events.new, update: events.update, destroy: events.destroy },
      reconciliations: conntrack.reconciliations,
      undecodable: conntrack.undecodable,
      capacity: conntrack.capacity,
      evicted: conntrack.evicted,
      aggregated: conntrack.aggregated,
      receiveBufferBytes: conntrack.receiveBufferBytes,
      namespaces: conntrack.namespaces,
    },
    sockets: {
      state: sockets.state,
      reason: sockets.reason,
      ageMs: sockets.timeMs === null ? null : Math.max(0, endMs - sockets.timeMs),
      sockets: sockets.sockets,
      attributed: sockets.attributed,
      advice: sockets.advice,
      scans: sockets.scans,
      durationMs: sockets.durationMs,
      processes: sockets.processes,
      namespaces: sockets.namespaces,
      undecodable: sockets.undecodable,
      backend: sockets.backend,
      uncut: sockets.uncut,
    },
    names: {
      state: names.state,
      reason: names.reason,
      cached: names.cached,
      pending: names.pending,
      requests: names.requests,
      hits: names.hits,
      lookups: names.lookups,
      failures: names.failures,
      dropped: names.dropped,
    },
    merge: { aggregated: merge.aggregated, dropped: merge.dropped },
    trace: {
      state: trace.state,
      reason: trace.reason,
      advice: trace.advice,
      events: trace.events,
      lost: trace.lost,
      undecodable: trace.undecodable,
      facts: trace.facts,
      cpus: trace.cpus,
      ringBytes: trace.ringBytes,
      processes: trace.processes,
      senders: trace.senders,
    },
    ...(containers !== undefined && {
      containers: {
        state: containers.state,
        reason: containers.reason,
        advice: containers.advice,
        cached: containers.cached,
        pending: containers.pending,
        requests: containers.requests,
        failures: containers.failures,
        dropped: containers.dropped,
      },
    }),
  };
}

/** The processes that the first `shown` connections speak of, in the order of the report's owners; none where the selected members speak of none. */
export function processesJson({ columns, owners, select }: RawReport, shown: number): ProcessJson[] {
  if (selectionOf({ select })?.hasProcesses === false) return [];
  const mentioned = new Uint8Array(owners.length + 1);
  for (let i = 0; i < shown; i++) {
    mentioned[columns.fromOwner[i]!] = 1;
    mentioned[columns.toOwner[i]!] = 1;
  }
  const processes: ProcessJson[] = [];
  for (let i = 0; i < owners.length; i++) if (mentioned[i + 1]) processes.push(processJson(owners.at(i)!));
  return processes;
}
