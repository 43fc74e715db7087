/**
 * Fewer edges for a picture that can be looked at: many services between the same two become one edge, and many of a kind that all do the same
 * become one node. What was drawn together is counted.
 */
import type { ConnectionColumns } from "@conntrail/model";
import type { DotEdge } from "./dot-graph.ts";

/** An edge as it is drawn. */
export interface DrawnEdge extends DotEdge {
  /** Services that it stands for. */
  readonly services: number;
  /** Nodes that its ends stand for; 1: the node itself. */
  readonly fromMany: number;
  readonly toMany: number;
}

/** Up to so many services between two are drawn one by one, and so many nodes that do the same. */
const MOST_SERVICES = 6;
const MOST_ALIKE = 12;

/** Draws together. `serviceOf`: what an edge is labelled with; `kindOf`: the name of an end's process, or `address`. */
export function collapse(
  edges: readonly DotEdge[],
  columns: ConnectionColumns,
  serviceOf: (row: number) => string,
  kindOf: (row: number, side: "from" | "to") => string,
): DrawnEdge[] {
  const confidence = (row: number): number => columns.confidence[row]!;
  const drawn = merge(
    edges.map((edge) => ({ ...edge, services: 1, fromMany: 1, toMany: 1 })),
    MOST_SERVICES,
    ({ from, to, row }) => JSON.stringify([from, to, confidence(row)]),
    (services) => ({ services }),
  );
  let result = drawn;
  for (const side of ["from", "to"] as const) {
    const other = side === "from" ? "to" : "from";
    const degree = new Map<string, number>();
    for (const edge of result) for (const id of [edge.from, edge.to]) degree.set(id, (degree.get(id) ?? 0) + 1);
    result = merge(
      result,
      MOST_ALIKE,
      (edge) => {
        const service = edge.services === 1 ? serviceOf(edge.row) : "several";
        if (degree.get(edge[side]) !== 1) return undefined;
        return JSON.stringify([side, edge[other], kindOf(edge.row, side), service, confidence(edge.row)]);
      },
      (many, key) => ({ [side]: `many ${key}`, [`${side}Many`]: many }),
    );
  }
  return result.sort((a, b) => b.connections - a.connections || a.row - b.row);
}

/** Puts edges of the same key together where there are more than `most`; those without a key stay. */
function merge(
  edges: readonly DrawnEdge[],
  most: number,
  keyOf: (edge: DrawnEdge) => string | undefined,
  change: (count: number, key: string) => Partial<DrawnEdge>,
): DrawnEdge[] {
  const byKey = new Map<string, DrawnEdge[]>();
  for (const [i, edge] of edges.entries()) {
    const key = keyOf(edge) ?? `alone ${i}`;
    byKey.set(key, [...(byKey.get(key) ?? []), edge]);
  }
  return [...byKey].flatMap(([key, alike]) => {
    if (alike.length <= most) return alike;
    const connections = alike.reduce((sum, each) => sum + each.connections, 0);
    const failed = alike.reduce((sum, each) => sum + each.failed, 0);
    const services = Math.max(...alike.map((each) => each.services));
    return [{ ...alike[0]!, services, connections, failed, ...change(alike.length, key) }];
  });
}
