/**
 * A report in Weave Scope's wire format, JSON (`report/report.go`, `report/node.go`, `report/id.go` of Scope): the topologies
 * Endpoint, Process, Container and Host, and DNS. Values that may change while their node stays carry a timestamp, since on merging
 * the newest wins; what never changes (address, port, host) does without, for the sake of size.
 */
import { networkTest, type ReportWindow } from "@conntrail/model";
import { ByteWriter } from "./byte-writer.ts";
import { elidedRows, heaviestFirst, type LimitOption, shownRows } from "./elision.ts";
import { type RawReport, rawOf } from "./raw-report.ts";
import type { Report } from "./report.ts";
import type { ScopeAliases } from "./scope-aliases.ts";
import { decideCopies } from "./scope-copies.ts";
import { putDns } from "./scope-dns.ts";
import { buildScopeGraph } from "./scope-graph.ts";
import { endpointIds } from "./scope-ids.ts";
import { putEndpoints } from "./scope-nodes.ts";
import { containerNodes, hostNodes, processNodes } from "./scope-processes.ts";
import { CONTAINER_TEMPLATES, HOST_TEMPLATES, PROCESS_TEMPLATES } from "./scope-templates.ts";
import { virtualNetworks } from "./scope-virtuals.ts";
import { isoTime } from "./time.ts";
import { turnByPorts } from "./turn-by-ports.ts";

/** Options of `encodeScope()`. */
export interface ScopeOptions extends LimitOption {
  /** Memory of what virtual addresses led to; without it each report speaks only for itself. */
  readonly aliases?: ScopeAliases | undefined;
  /** Draw attempts that led to no connection too. Default false, as Scope's own probe (S7). */
  readonly attempts?: boolean | undefined;
}

/** Bytes guessed for a connection. */
const TYPICAL_BYTES = 450;

/** Encodes a report. The bytes are a view from the start of a buffer of their own. Throws `RangeError` for a limit or a network that is none. */
export function encodeScope(report: RawReport | Report, options: ScopeOptions = {}): Uint8Array<ArrayBuffer> {
  const raw = turnByPorts(heaviestFirst(rawOf(report), options));
  const { host, window } = raw;
  const shown = shownRows(raw.columns.length, options);
  const hostScoped = host.hostScopedNetworks?.length ? networkTest(host.hostScopedNetworks) : undefined;
  const graph = buildScopeGraph(raw, { shown, attempts: options.attempts === true, hostScoped });
  const ids = endpointIds(graph.endpoints, host.id);
  const copies = decideCopies(graph, raw, ids, options.aliases);
  const writer = new ByteWriter(4096 + shown * TYPICAL_BYTES);
  const id = `${host.id}-${window.startMs}-${raw.sequence}`;
  const head = { ID: id, TS: isoTime(window.endMs), Window: nanoseconds(window), ...sampling(raw, shown) };
  writer.putText(`${JSON.stringify(head).slice(0, -1)},"Endpoint":{"nodes":{`);
  putEndpoints(writer, raw, graph, ids, copies);
  writer.putText(`}},"Process":${topology(processNodes(raw, shown), PROCESS_TEMPLATES)}`);
  const containers = containerNodes(raw, shown);
  if (Object.keys(containers).length > 0) writer.putText(`,"Container":${topology(containers, CONTAINER_TEMPLATES)}`);
  const networks = [...host.localNetworks, ...virtualNetworks(graph.endpoints, raw)];
  writer.putText(`,"Host":${topology(hostNodes(raw, networks), HOST_TEMPLATES)},"DNS":`);
  putDns(writer, raw, shown);
  writer.putText("}");
  return writer.finish();
}

function topology(nodes: object, templates: object): string {
  return JSON.stringify({ nodes, metadata_templates: templates });
}

/** Whole nanoseconds: Scope refuses anything else. */
function nanoseconds({ startMs, endMs }: ReportWindow): number {
  return Math.round((endMs - startMs) * 1e6);
}

/** What a limit left out, in Scope's words: connections told, and connections in all. */
function sampling({ columns }: RawReport, shown: number): { Sampling?: { Count: number; Total: number } } {
  const elided = elidedRows(columns, shown);
  if (elided === undefined) return {};
  let Count = 0;
  for (let row = 0; row < shown; row++) Count += columns.count[row]!;
  return { Sampling: { Count, Total: Count + elided.connections } };
}
