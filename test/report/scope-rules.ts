/** What Scope's app demands of a report (its `report/*.go` and `render/*.go`); anything it would refuse or silently drop is an error here. */
import { BlockList, isIPv6 } from "node:net";
import { text } from "./text.ts";

/** A line of a detail panel. */
interface WireTemplate {
  readonly id: string;
  readonly label: string;
  readonly from: string;
  readonly dataType?: string;
  readonly priority?: number;
  readonly truncate?: number;
}

/** A topology as it is on the wire. */
interface WireTopology {
  readonly nodes: Readonly<Record<string, WireNode>>;
  readonly metadata_templates?: Readonly<Record<string, WireTemplate>>;
}

/** A node as it is on the wire. */
interface WireNode {
  readonly id: string;
  readonly topology: string;
  readonly adjacency?: readonly string[];
  readonly latest?: Readonly<Record<string, { readonly timestamp?: string; readonly value: string }>>;
  readonly sets?: Readonly<Record<string, readonly string[]>>;
  readonly parents?: Readonly<Record<string, readonly string[]>>;
}

/** A report as it is on the wire. */
export interface WireReport {
  readonly ID: string;
  readonly TS: string;
  readonly Window: number;
  readonly Sampling?: { readonly Count: number; readonly Total: number };
  readonly Endpoint: WireTopology;
  readonly Process: WireTopology;
  readonly Container?: WireTopology;
  readonly Host: WireTopology;
  readonly DNS: Readonly<
    Record<string, { readonly forward?: readonly string[]; readonly reverse?: readonly string[] }>
  >;
}

const TOP_LEVEL = new Set(["ID", "TS", "Window", "Sampling", "Endpoint", "Process", "Container", "Host", "DNS"]);
const TOPOLOGIES = ["Endpoint", "Process", "Container", "Host"] as const;
const TEMPLATE_MEMBERS = new Set(["id", "label", "from", "dataType", "priority", "truncate"]);
const DATA_TYPES = new Set(["number", "duration", "ip", "datetime"]);
const NODE_MEMBERS = new Set(["id", "topology", "adjacency", "latest", "sets", "parents"]);
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Parses a report; throws with everything that is wrong with it. */
export function parseScope(bytes: Uint8Array): WireReport {
  const report = JSON.parse(text(bytes)) as WireReport;
  const wrong = [...topLevel(report)];
  for (const name of TOPOLOGIES) wrong.push(...topology(report, name));
  for (const [address, { reverse = [], forward = [] }] of Object.entries(report.DNS)) {
    wrong.push(...sorted(`DNS ${address}`, reverse), ...sorted(`DNS ${address}`, forward));
  }
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
  return report;
}

/** Edges as `from -> to`, in order. */
export function edges({ Endpoint }: WireReport): string[] {
  const all = Object.values(Endpoint.nodes).flatMap((node) =>
    (node.adjacency ?? []).map((to) => `${node.id} -> ${to}`),
  );
  return all.sort();
}

/** The values of a node's `latest`, without timestamps; undefined when there is no such node. */
export function latest(report: WireReport, id: string): Record<string, string> | undefined {
  const node =
    report.Endpoint.nodes[id] ?? report.Process.nodes[id] ?? report.Container?.nodes[id] ?? report.Host.nodes[id];
  if (node === undefined) return undefined;
  return Object.fromEntries(Object.entries(node.latest ?? {}).map(([key, { value }]) => [key, value]));
}

/** What a detail panel of the app shows of a node: label and value, in the order of the templates; nothing that none of them names. */
export function panel(report: WireReport, name: (typeof TOPOLOGIES)[number], id: string): string[] {
  const { nodes, metadata_templates: templates = {} } = report[name]!;
  const { latest: values = {}, sets = {} } = nodes[id]!;
  return Object.values(templates)
    .toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))
    .map(({ id: key, label, from }) => [label, from === "sets" ? sets[key]?.join(", ") : values[key]?.value])
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${label}: ${value}`);
}

/** The edges between processes, and to and from the Internet, that the app draws (see `drawn`). */
export function processEdges(...reports: readonly WireReport[]): string[] {
  return drawn(reports, (report, id) => {
    const real = new Set(
      (report.Endpoint.nodes[id]!.adjacency ?? []).map((target) => latest(report, target)?.copy_of ?? target),
    );
    // An endpoint with two different real targets may have been used twice (render/process.go).
    return real.size > 1 ? undefined : processOf(report, id);
  });
}

/** The edges between hosts, and to and from the Internet, that the app draws. */
export function hostEdges(...reports: readonly WireReport[]): string[] {
  return drawn(reports, (report, id) => latest(report, id)?.host_node_id);
}

/**
 * The edges of a view of the reports of several hosts, merged as the app merges them. An endpoint without a host is the Internet when
 * it lies outside every host's networks, else it is dropped where the view has no node for it (render/endpoint.go, render/id.go).
 */
function drawn(
  reports: readonly WireReport[],
  view: (report: WireReport, endpoint: string) => string | undefined,
): string[] {
  const report = merged(reports);
  const local = new BlockList();
  for (const cidr of Object.values(report.Host.nodes).flatMap(({ sets }) => sets?.local_networks ?? [])) {
    const [address, bits] = cidr.split("/") as [string, string];
    local.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
  }
  const nodeOf = (id: string): string | undefined => {
    const [, address = ""] = id.split(";");
    const outside = !local.check(address, isIPv6(address) ? "ipv6" : "ipv4");
    return latest(report, id)?.host_node_id === undefined && outside ? "The Internet" : view(report, id);
  };
  const edges = new Set<string>();
  for (const { id, adjacency = [] } of Object.values(report.Endpoint.nodes)) {
    const from = nodeOf(id);
    for (const target of adjacency) {
      const to = nodeOf(target);
      if (from !== undefined && to !== undefined && from !== to) edges.add(`${from} -> ${to}`);
    }
  }
  return [...edges].sort();
}

/** One report of all: values by time (a later one wins), sets and adjacencies joined (report/node.go). */
function merged(reports: readonly WireReport[]): WireReport {
  const join = (name: (typeof TOPOLOGIES)[number]): WireTopology => {
    const nodes: Record<string, WireNode> = {};
    for (const [id, node] of reports.flatMap((report) => Object.entries(report[name]?.nodes ?? {}))) {
      const have = nodes[id];
      const sets = [...Object.entries(have?.sets ?? {}), ...Object.entries(node.sets ?? {})];
      nodes[id] = {
        ...node,
        adjacency: [...new Set([...(have?.adjacency ?? []), ...(node.adjacency ?? [])])].sort(),
        latest: { ...have?.latest, ...node.latest },
        sets: Object.fromEntries(
          sets.map(([key]) => [key, sets.filter(([other]) => other === key).flatMap(([, members]) => members)]),
        ),
      };
    }
    return { nodes };
  };
  const [first] = reports;
  const all = Object.fromEntries(TOPOLOGIES.map((name) => [name, join(name)]));
  return { ...first!, ...(all as Pick<WireReport, (typeof TOPOLOGIES)[number]>) };
}

function processOf(report: WireReport, endpoint: string): string | undefined {
  const { pid, host_node_id: host } = latest(report, endpoint) ?? {};
  if (pid === undefined || host === undefined) return undefined;
  const id = `${host.split(";")[0]};${pid}`;
  return id in report.Process.nodes ? id : undefined;
}

function topLevel(report: WireReport): string[] {
  const wrong = Object.keys(report)
    .filter((name) => !TOP_LEVEL.has(name))
    .map((name) => `unknown member ${name}`);
  if (!Number.isSafeInteger(report.Window)) wrong.push(`Window: expected whole nanoseconds, got ${report.Window}`);
  if (!RFC_3339.test(report.TS)) wrong.push(`TS: expected RFC 3339, got ${report.TS}`);
  return wrong;
}

function topology(report: WireReport, name: (typeof TOPOLOGIES)[number]): string[] {
  const { nodes, metadata_templates: templates = {}, ...rest } = report[name] ?? { nodes: {} };
  const unknown = Object.keys(rest).map((member) => `${name}: unknown member ${member}`);
  return [...unknown, ...templateFaults(name, templates), ...nodeFaults(report, name, nodes)];
}

/** A template names itself, and a value that a node has may be told by no other way. */
function templateFaults(name: string, templates: NonNullable<WireTopology["metadata_templates"]>): string[] {
  return Object.entries(templates).flatMap(([key, template]) => {
    const place = `${name} template ${key}`;
    const wrong = Object.keys(template)
      .filter((member) => !TEMPLATE_MEMBERS.has(member))
      .map((member) => `${place}: unknown member ${member}`);
    if (template.id !== key) wrong.push(`${place}: id is ${template.id}`);
    if (!template.label) wrong.push(`${place}: no label`);
    if (template.from !== "latest" && template.from !== "sets") wrong.push(`${place}: from ${template.from}`);
    if (template.dataType !== undefined && !DATA_TYPES.has(template.dataType))
      wrong.push(`${place}: dataType ${template.dataType}`);
    return wrong;
  });
}

function nodeFaults(report: WireReport, name: (typeof TOPOLOGIES)[number], nodes: WireTopology["nodes"]): string[] {
  return Object.entries(nodes).flatMap(([key, node]) => {
    const place = `${name} ${key}`;
    const wrong = Object.keys(node)
      .filter((member) => !NODE_MEMBERS.has(member))
      .map((member) => `${place}: unknown member ${member}`);
    if (node.id !== key) wrong.push(`${place}: id is ${node.id}`);
    if (node.topology !== name.toLowerCase()) wrong.push(`${place}: topology is ${node.topology}`);
    for (const [what, { value, timestamp }] of Object.entries(node.latest ?? {})) {
      if (typeof value !== "string") wrong.push(`${place}: ${what} is no string`);
      if (timestamp !== undefined && !RFC_3339.test(timestamp))
        wrong.push(`${place}: ${what} has timestamp ${timestamp}`);
    }
    for (const target of node.adjacency ?? []) if (!(target in nodes)) wrong.push(`${place}: no node ${target}`);
    const sets = [...Object.entries(node.sets ?? {}), ...Object.entries(node.parents ?? {})];
    wrong.push(...sorted(`${place} adjacency`, node.adjacency ?? []));
    for (const [what, members] of sets) wrong.push(...sorted(`${place} ${what}`, members));
    for (const parent of node.parents?.host ?? [])
      if (!(parent in report.Host.nodes)) wrong.push(`${place}: no host ${parent}`);
    for (const parent of node.parents?.container ?? [])
      if (!(parent in (report.Container?.nodes ?? {}))) wrong.push(`${place}: no container ${parent}`);
    if (
      name === "Process" &&
      (node.parents?.container?.length ?? 0) > 0 !== "docker_container_id" in (node.latest ?? {})
    )
      wrong.push(`${place}: the app finds its container by docker_container_id`);
    return wrong;
  });
}

function sorted(place: string, members: readonly string[]): string[] {
  const right = [...new Set(members)].sort();
  return right.length === members.length && right.every((each, i) => each === members[i])
    ? []
    : [`${place}: not sorted and unique: ${members.join(" ")}`];
}
