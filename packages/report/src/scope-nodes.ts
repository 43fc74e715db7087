/** The nodes of Scope's Endpoint topology as bytes. Keys as Scope's probe of 2016 wrote them (S10, S12, S14, S15). */
import { type ByteWriter, fragment } from "./byte-writer.ts";
import { type FragmentTable, fragmentTable } from "./fragment-table.ts";
import type { RawReport } from "./raw-report.ts";
import { ENDPOINT_BIT, NO_ENDPOINT } from "./scope-endpoints.ts";
import type { ScopeGraph } from "./scope-graph.ts";
import { type EndpointIds, hostNodeId, sortedSet } from "./scope-ids.ts";
import { isoTime } from "./time.ts";

const COMMA = 0x2c;
const QUOTE = 0x22;
const ID = fragment('":{"id":"');
const TOPOLOGY = fragment('","topology":"endpoint","latest":{"addr":{"value":"');
const TOPOLOGY_ADJACENCY = fragment('","topology":"endpoint","adjacency":["');
const NEXT_ADJACENT = fragment('","');
const AFTER_ADJACENCY = fragment('"],"latest":{"addr":{"value":"');
const PORT = fragment('"},"port":{"value":"');
const AFTER_COPY = fragment('"}');
const CLOSE = fragment("}}");
/** Bits that `facts` looks at. */
const FACTS_MASK = ENDPOINT_BIT.conntracked | ENDPOINT_BIT.procspied | ENDPOINT_BIT.local;

/** Writes every endpoint, with commas between. `copies`: values of `copy_of` that the graph does not know (scope-copies.ts). */
export function putEndpoints(
  writer: ByteWriter,
  raw: RawReport,
  graph: ScopeGraph,
  ids: EndpointIds,
  copies: ReadonlyMap<number, string>,
): void {
  const { endpoints } = graph;
  const { bits, owner, names, ports, connections, firstEdge, copyOf } = endpoints;
  const { facts, pid, nameSets, copy, count } = nodeFragments(raw);
  for (let e = 0; e < endpoints.length; e++) {
    if (e > 0) writer.putByte(COMMA);
    writer.putByte(QUOTE);
    ids.put(writer, e);
    writer.put(ID);
    ids.put(writer, e);
    const first = firstEdge[e]!;
    let edges = 0;
    if (first === NO_ENDPOINT) writer.put(TOPOLOGY);
    else {
      writer.put(TOPOLOGY_ADJACENCY);
      edges = putAdjacency(writer, ids, graph, first);
      writer.put(AFTER_ADJACENCY);
    }
    ids.putAddress(writer, e);
    writer.put(PORT);
    writer.putUnsigned(ports[e]!);
    writer.put(facts(bits[e]! & FACTS_MASK));
    if (owner[e] !== 0) writer.put(pid(owner[e]!));
    const id = copies.size === 0 ? undefined : copies.get(e);
    if (id !== undefined || copyOf[e] !== NO_ENDPOINT) {
      writer.put(copy);
      if (id === undefined) ids.put(writer, copyOf[e]!);
      else writer.putText(id);
      writer.put(AFTER_COPY);
    }
    if (connections[e] !== edges) {
      writer.put(count);
      writer.putUnsigned(connections[e]!);
      writer.put(AFTER_COPY);
    }
    writer.put(names[e] === 0 ? CLOSE : nameSets(names[e]!));
  }
}

/** Writes the targets of an endpoint, each once and in order; the count of them. */
function putAdjacency(
  writer: ByteWriter,
  ids: EndpointIds,
  { edgeTarget, edgeNext }: ScopeGraph,
  first: number,
): number {
  if (edgeNext[first] === NO_ENDPOINT) {
    ids.put(writer, edgeTarget[first]!);
    return 1;
  }
  const targets = new Set<number>();
  for (let edge = first; edge !== NO_ENDPOINT; edge = edgeNext[edge]!) targets.add(edgeTarget[edge]!);
  const sorted = [...targets].map((target) => ids.text(target)).sort();
  for (const [i, id] of sorted.entries()) {
    if (i > 0) writer.put(NEXT_ADJACENT);
    writer.putText(id);
  }
  return targets.size;
}

interface NodeFragments {
  /** From the end of the port's value. The index is the bits. */
  readonly facts: FragmentTable;
  /** The index is the owner. */
  readonly pid: FragmentTable;
  /** To the end of the node. The index is the names. */
  readonly nameSets: FragmentTable;
  readonly copy: ReturnType<typeof fragment>;
  readonly count: ReturnType<typeof fragment>;
}

function nodeFragments({ host, window, owners, names }: RawReport): NodeFragments {
  const time = isoTime(window.endMs);
  const timestamp = time === null ? "" : `"timestamp":"${time}",`;
  return {
    facts: fragmentTable(FACTS_MASK + 1, (bits) => {
      const conntracked = bits & ENDPOINT_BIT.conntracked ? ',"conntracked":{"value":"true"}' : "";
      const procspied = bits & ENDPOINT_BIT.procspied ? ',"procspied":{"value":"true"}' : "";
      const local = bits & ENDPOINT_BIT.local ? `,"host_node_id":{"value":${JSON.stringify(hostNodeId(host.id))}}` : "";
      return `"}${conntracked}${procspied}${local}`;
    }),
    pid: fragmentTable(owners.length + 1, (owner) => `,"pid":{${timestamp}"value":"${owners.at(owner - 1)!.pid}"}`),
    nameSets: fragmentTable(names.length + 1, (index) => {
      return `},"sets":{"reverse_dns_names":${JSON.stringify(sortedSet(names.at(index - 1)!))}}}`;
    }),
    copy: fragment(`,"copy_of":{${timestamp}"value":"`),
    count: fragment(`,"conn_count":{${timestamp}"value":"`),
  };
}
