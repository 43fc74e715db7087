/** A scan's account of itself: what is missing, why, and what would help. */
import type { HealthState, ScanHealth, SocketsReason } from "@conntrail/model";
import type { ScanFacts } from "./scan-record.ts";

/** What the table's rows add to the facts. */
export interface TableCounts {
  readonly sockets: number;
  readonly attributed: number;
  /** Sockets that a process may hold which cannot be inspected. */
  readonly withheld: number;
  /** One of them, in words; empty when there is none. */
  readonly example: string;
  readonly undecodable: number;
  /** Sockets that did not fit. */
  readonly refused: number;
  readonly namespaces: number;
}

/** The account. The worst thing is the reason; `sockets` counts also those that did not fit. */
export function scanHealth(facts: ScanFacts, counts: TableCounts): ScanHealth {
  const { scans, durationMs, processes, backend, unreadable } = facts;
  const { sockets, attributed, undecodable, refused, namespaces } = counts;
  return {
    ...verdict(facts, counts),
    scans,
    durationMs,
    sockets: sockets + refused,
    attributed,
    processes,
    namespaces,
    undecodable: undecodable + unreadable,
    backend,
    uncut: 0,
  };
}

type Verdict = { readonly state: HealthState; readonly reason: SocketsReason | null; readonly advice: string | null };

function verdict(facts: ScanFacts, counts: TableCounts): Verdict {
  if (facts.backend === "none") {
    return off(
      facts.procReadable ? "failed" : "no-proc",
      "neither sock_diag nor /proc gives sockets: mount /proc, or load inet_diag",
    );
  }
  if (!facts.procReadable) {
    return degraded("no-proc", "/proc cannot be read, so no socket has a process: mount it, or set its root");
  }
  if (facts.ownersWanted && facts.hidepid !== "off") {
    return degraded(
      "hidepid",
      `/proc is mounted with hidepid=${facts.hidepid}: run as root, or in the group of its gid= option`,
    );
  }
  // What may not be inspected, and what is not shown, matters when there is a socket that it might hold.
  if (counts.withheld > 0 && facts.ownPids === true && facts.denied === 0) {
    return degraded(
      "own-pid-namespace",
      `${unknownSockets(counts)}: /proc shows only the processes of a pid namespace of its own; start the container with --pid=host (hostPID: true in Kubernetes), or give the host's /proc`,
    );
  }
  if (counts.withheld > 0) {
    const obstacle = facts.obstacle || `${amount(facts.denied, "process", "processes")} may not be inspected`;
    return degraded("partly-permitted", `${unknownSockets(counts)}; ${obstacle}`);
  }
  if (facts.unreachable > 0) {
    return degraded(
      "partly-permitted",
      `${amount(facts.unreachable, "network namespace", "network namespaces")} may not be entered: run with CAP_SYS_ADMIN`,
    );
  }
  if (counts.refused > 0) {
    return degraded(
      "too-many-sockets",
      `${amount(counts.refused, "socket is", "sockets are")} beyond maxSockets, ${facts.maxSockets}: raise it`,
    );
  }
  return { state: "ok", reason: null, advice: null };
}

function unknownSockets({ withheld, example }: TableCounts): string {
  return `${amount(withheld, "socket has", "sockets have")} no known process, ${withheld === 1 ? "" : "the first "}${example}`;
}

function amount(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

function degraded(reason: SocketsReason, advice: string): Verdict {
  return { state: "degraded", reason, advice };
}

function off(reason: SocketsReason, advice: string): Verdict {
  return { state: "off", reason, advice };
}
