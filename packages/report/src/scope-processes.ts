/** Scope's Process and Host topologies: the processes that a report speaks of, and the host they run on. */
import { processesJson } from "./header-json.ts";
import type { RawReport } from "./raw-report.ts";
import { hostNodeId, processNodeId, sortedSet } from "./scope-ids.ts";
import { isoTime } from "./time.ts";

interface ScopeNode {
  readonly id: string;
  readonly topology: string;
  readonly latest: Readonly<Record<string, { readonly timestamp?: string; readonly value: string }>>;
  readonly parents?: Readonly<Record<string, readonly string[]>>;
  readonly sets?: Readonly<Record<string, readonly string[]>>;
}

/** The processes of the first `shown` connections by id. Of two with the same pid, one has ended: the younger stays. */
export function processNodes(raw: RawReport, shown: number): Record<string, ScopeNode> {
  const host = hostNodeId(raw.host.id);
  const started = new Map<number, number>();
  const nodes: Record<string, ScopeNode> = {};
  for (const { pid, startTicks, process, cmdline, ppid } of processesJson(raw, shown)) {
    if ((started.get(pid) ?? -1) >= startTicks) continue;
    started.set(pid, startTicks);
    const id = processNodeId(raw.host.id, pid);
    const latest = latestOf({ pid: String(pid), name: process, cmdline, ppid: String(ppid), host_node_id: host }, raw);
    nodes[id] = { id, topology: "process", latest, parents: { host: [host] } };
  }
  return nodes;
}

/** The host. */
export function hostNodes(raw: RawReport): Record<string, ScopeNode> {
  const { id, name, kernelVersion, uptimeSeconds, localNetworks } = raw.host;
  const host = hostNodeId(id);
  const values = {
    host_name: name,
    os: "linux",
    kernel_version: kernelVersion,
    uptime: String(uptimeSeconds),
    host_node_id: host,
  };
  const latest = latestOf(values, raw);
  return { [host]: { id: host, topology: "host", latest, sets: { local_networks: sortedSet(localNetworks) } } };
}

function latestOf(values: Readonly<Record<string, string>>, { window }: RawReport): ScopeNode["latest"] {
  const timestamp = isoTime(window.endMs);
  const time = timestamp === null ? {} : { timestamp };
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { ...time, value }]));
}
