/** The reasons that health gives, as a clause that stands behind "because" or a colon. */
import type { HealthJson } from "@conntrail/report";

type Reason<Part extends "conntrack" | "sockets" | "names" | "trace"> = NonNullable<HealthJson[Part]["reason"]>;

/** Why conntrack tells nothing, or not everything. */
export const CONNTRACK_REASON: Readonly<Record<Reason<"conntrack">, string>> = {
  "switched-off": "conntrack was left alone (--no-conntrack)",
  starting: "the first look into conntrack's table was not complete yet",
  "not-permitted": "CAP_NET_ADMIN is missing",
  "no-ctnetlink": "the kernel has no nf_conntrack_netlink",
  "events-disabled": "net.netfilter.nf_conntrack_events is 0: the kernel tells no events",
  "no-rule":
    "no firewall rule of the namespace that conntrail runs in uses ct or NAT, so the kernel tracks nothing there",
  "table-full": "the kernel's table is full (nf_conntrack_max), and it drops what is new",
  "own-namespace-only": "other network namespaces may not be entered",
  "no-such-namespace": "a network namespace that was asked for is not there",
  "buffer-too-small": "events were lost, and the receive buffer may not grow any more",
  "reader-too-slow": "events were lost: they came faster than they could be read",
  "near-capacity": "the flow table is over 80 % full",
  failed: "the reading of conntrack failed, and is being started again",
};

/** Why sockets are not read, or not all. */
export const SOCKETS_REASON: Readonly<Record<Reason<"sockets">, string>> = {
  "switched-off": "sockets were switched off (--no-sockets)",
  starting: "the first scan was not complete yet",
  "partly-permitted": "processes of other users, or other namespaces, may not be inspected",
  "own-pid-namespace": "/proc shows only the processes of this container",
  hidepid: "/proc is mounted with hidepid",
  "no-proc": "/proc is not mounted, or cannot be read",
  "too-many-sockets": "there are more sockets than a scan may hold",
  stale: "the last scan is older than it should be",
  failed: "the scan failed, and is being started again",
};

/** Why names are not looked up, or not all. */
export const NAMES_REASON: Readonly<Record<Reason<"names">, string>> = {
  "switched-off": "names were switched off (--no-names)",
  "no-server": "no name server is configured",
  timeouts: "the name servers do not answer in time",
  "backlog-full": "more lookups were wanted than may wait",
};

/** Why nobody traces who opens and closes. */
export const TRACE_REASON: Readonly<Record<Reason<"trace">, string>> = {
  "switched-off": "the trace was switched off (--no-trace)",
  "not-permitted": "the trace of who opens and closes was not permitted",
  "no-tracefs": "the trace had no list of tracepoints (tracefs)",
  "no-tracepoint": "this kernel cannot be traced (before 4.16)",
  "not-supported": "this kernel has no perf events to trace by",
  "no-descriptors": "no file descriptors were left for the trace",
  "events-lost": "the trace lost events",
  "not-recorded": "this recording was made without the trace of who opens and closes",
  failed: "the trace failed",
};

/** What has the trace run; null when nothing would. */
export function traceHelp({ reason, advice }: HealthJson["trace"]): string | null {
  if (advice !== null) return advice;
  if (reason === "switched-off") return "without --no-trace, short connections have their processes, too";
  if (reason === "no-tracepoint" || reason === "not-supported") return null;
  const again = reason === "not-recorded" ? "record again without --no-trace, as root" : "run as root";
  return `${again}, or with CAP_PERFMON: perf events name the processes of short connections`;
}
