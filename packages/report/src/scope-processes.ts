/** Scope's Process, Container and Host topologies: the processes that a report speaks of, the containers they are in, and the host they run on. */
import { processesJson } from "./header-json.ts";
import type { RawReport } from "./raw-report.ts";
import { containerNodeId, hostNodeId, processNodeId, sortedSet } from "./scope-ids.ts";
import { isoTime } from "./time.ts";
import { VERSION } from "./version.ts";

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
  for (const { pid, startTicks, process, cmdline, ppid, containerId } of processesJson(raw, shown)) {
    if ((started.get(pid) ?? -1) >= startTicks) continue;
    started.set(pid, startTicks);
    const id = processNodeId(raw.host.id, pid);
    const values = {
      pid: String(pid),
      name: process,
      ...(cmdline !== "" && { cmdline }),
      ppid: String(ppid),
      host_node_id: host,
      ...(containerId !== null && { docker_container_id: containerId }),
    };
    const parents = { host: [host], ...(containerId !== null && { container: [containerNodeId(containerId)] }) };
    nodes[id] = { id, topology: "process", latest: latestOf(values, raw), parents };
  }
  return nodes;
}

/** The containers of those processes. */
export function containerNodes(raw: RawReport, shown: number): Record<string, ScopeNode> {
  const host = hostNodeId(raw.host.id);
  const nodes: Record<string, ScopeNode> = {};
  for (const { containerId, containerName, image, podNamespace, podName } of processesJson(raw, shown)) {
    if (containerId === null) continue;
    const id = containerNodeId(containerId);
    const values = {
      docker_container_id: containerId,
      ...(containerName !== undefined && { docker_container_name: containerName }),
      ...(image !== undefined && { docker_image_name: image }),
      ...(podName !== undefined && { "docker_label_io.kubernetes.pod.name": podName }),
      ...(podNamespace !== undefined && { "docker_label_io.kubernetes.pod.namespace": podNamespace }),
      host_node_id: host,
    };
    const latest = latestOf(values, raw);
    nodes[id] = { id, topology: "container", latest, parents: { host: [host] } };
  }
  return nodes;
}

/** The host, with the networks that are its own. The app lists it among its probes by `control_probe_id`. */
export function hostNodes(raw: RawReport, networks: readonly string[]): Record<string, ScopeNode> {
  const { id, name, kernelVersion, uptimeSeconds } = raw.host;
  const host = hostNodeId(id);
  const values = {
    host_name: name,
    os: "linux",
    kernel_version: kernelVersion,
    uptime: String(uptimeSeconds),
    host_node_id: host,
    control_probe_id: `conntrail-${id}`,
    host_scope_version: `conntrail ${VERSION}`,
  };
  const latest = latestOf(values, raw);
  return { [host]: { id: host, topology: "host", latest, sets: { local_networks: sortedSet(networks) } } };
}

function latestOf(values: Readonly<Record<string, string>>, { window }: RawReport): ScopeNode["latest"] {
  const timestamp = isoTime(window.endMs);
  const time = timestamp === null ? {} : { timestamp };
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { ...time, value }]));
}
