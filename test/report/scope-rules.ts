/** What Scope's app demands of a report (its `report/*.go` and `render/*.go`); anything it would refuse or silently drop is an error here. */
import { text } from "./text.ts";

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
  readonly Endpoint: { readonly nodes: Readonly<Record<string, WireNode>> };
  readonly Process: { readonly nodes: Readonly<Record<string, WireNode>> };
  readonly Host: { readonly nodes: Readonly<Record<string, WireNode>> };
  readonly DNS: Readonly<
    Record<string, { readonly forward?: readonly string[]; readonly reverse?: readonly string[] }>
  >;
}

const TOP_LEVEL = new Set(["ID", "TS", "Window", "Sampling", "Endpoint", "Process", "Host", "DNS"]);
const NODE_MEMBERS = new Set(["id", "topology", "adjacency", "latest", "sets", "parents"]);
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Parses a report; throws with everything that is wrong with it. */
export function parseScope(bytes: Uint8Array): WireReport {
  const report = JSON.parse(text(bytes)) as WireReport;
  const wrong = [...topLevel(report)];
  for (const name of ["Endpoint", "Process", "Host"] as const) wrong.push(...topology(report, name));
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
  const node = report.Endpoint.nodes[id] ?? report.Process.nodes[id] ?? report.Host.nodes[id];
  if (node === undefined) return undefined;
  return Object.fromEntries(Object.entries(node.latest ?? {}).map(([key, { value }]) => [key, value]));
}

/** The edges between processes that the app draws: an endpoint with two different real targets draws none (render/process.go). */
export function processEdges(report: WireReport): string[] {
  const { nodes } = report.Endpoint;
  const drawn = new Set<string>();
  for (const { id, adjacency = [] } of Object.values(nodes)) {
    const real = new Set(adjacency.map((target) => latest(report, target)?.copy_of ?? target));
    const from = processOf(report, id);
    if (real.size !== 1 || from === undefined) continue;
    const to = processOf(report, adjacency[0]!);
    if (to !== undefined) drawn.add(`${from} -> ${to}`);
  }
  return [...drawn].sort();
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

function topology(report: WireReport, name: "Endpoint" | "Process" | "Host"): string[] {
  const { nodes } = report[name];
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
    return wrong;
  });
}

function sorted(place: string, members: readonly string[]): string[] {
  const right = [...new Set(members)].sort();
  return right.length === members.length && right.every((each, i) => each === members[i])
    ? []
    : [`${place}: not sorted and unique: ${members.join(" ")}`];
}
