/**
 * Whose copies the endpoints of a report are (`copy_of`), by what it knows of its virtual addresses and by what earlier reports knew
 * (scope-aliases.ts).
 *
 * The app looks at `copy_of` in one place: a source whose targets are not copies of one endpoint loses its process edge
 * (render/process.go). A client seen from two hosts has two targets, the virtual address and the backend that served it; a virtual
 * address has several backends and its `copy_of` one value. So the backends of one virtual address are copies of the lowest of them, too.
 */
import type { RawReport } from "./raw-report.ts";
import { type AliasTarget, compareTargets, type ScopeAliases } from "./scope-aliases.ts";
import { ENDPOINT_BIT, type EndpointTable } from "./scope-endpoints.ts";
import { type ScopeGraph, target } from "./scope-graph.ts";
import type { EndpointIds } from "./scope-ids.ts";

const PAIR_BASE = 2 ** 32;

/**
 * The value of `copy_of` for each endpoint that has another one than the graph says: virtual endpoints and backends of groups.
 * With `aliases` notes what virtual endpoints lead to now; one that had several real ones lately keeps only what they share.
 */
export function decideCopies(
  { endpoints, virtualPairs }: ScopeGraph,
  { window }: RawReport,
  ids: EndpointIds,
  aliases: ScopeAliases | undefined,
): ReadonlyMap<number, string> {
  const groups = createGroups();
  const virtuals = new Map<number, string>();
  const backends = new Map<number, string>();
  const led = new Map<number, Map<string, AliasTarget>>();
  for (const pair of virtualPairs) {
    const virtual = Math.floor(pair / PAIR_BASE);
    const real = pair % PAIR_BASE;
    const id = virtuals.get(virtual) ?? ids.text(virtual);
    virtuals.set(virtual, id);
    const backend = targetOf(endpoints, real, ids);
    backends.set(real, backend.id);
    if (!led.has(virtual)) led.set(virtual, new Map());
    led.get(virtual)!.set(backend.id, backend);
    aliases?.observe(id, backend, window.endMs);
  }
  for (const [virtual, now] of led) {
    const remembered = aliases?.targets(virtuals.get(virtual)!, window.endMs) ?? [];
    const all = [...remembered.filter(({ id }) => !now.has(id)), ...now.values()];
    if (all.length > 1) keepShared(endpoints, virtual, all);
    groups.join(all);
  }
  return told(endpoints, led, backends, groups);
}

/** The ids that differ from what the graph itself says. */
function told(
  endpoints: EndpointTable,
  led: ReadonlyMap<number, ReadonlyMap<string, AliasTarget>>,
  backends: ReadonlyMap<number, string>,
  groups: Groups,
): Map<number, string> {
  const copies = new Map<number, string>();
  for (const [virtual, targets] of led) {
    const lowest = groups.lowest(targets.keys().next().value!);
    if (compareTargets(lowest, target(endpoints, endpoints.copyOf[virtual]!)) !== 0) copies.set(virtual, lowest.id);
  }
  for (const [real, id] of backends) {
    const lowest = groups.lowest(id);
    if (lowest.id !== id) copies.set(real, lowest.id);
  }
  return copies;
}

/** A copy of what the table says: the table belongs to this report only. */
function targetOf(endpoints: EndpointTable, real: number, ids: EndpointIds): AliasTarget {
  const words = endpoints.addresses.slice(real * 4, real * 4 + 4);
  const local = (endpoints.bits[real]! & ENDPOINT_BIT.local) !== 0;
  return { ...target(endpoints, real), words, id: ids.text(real), local };
}

function keepShared({ bits, owner, names }: EndpointTable, virtual: number, targets: readonly AliasTarget[]): void {
  owner[virtual] = 0;
  names[virtual] = 0;
  if (!targets.every(({ local }) => local)) bits[virtual]! &= ~ENDPOINT_BIT.local;
}

/** Backends that share a virtual address, directly or through a third. */
interface Groups {
  join(targets: readonly AliasTarget[]): void;
  /** The lowest of the group that the endpoint `id` is in. */
  lowest(id: string): AliasTarget;
}

function createGroups(): Groups {
  const known = new Map<string, AliasTarget>();
  const above = new Map<string, string>();
  const root = (id: string): string => {
    const next = above.get(id);
    if (next === undefined) return id;
    const top = root(next);
    above.set(id, top);
    return top;
  };
  return {
    join(targets: readonly AliasTarget[]): void {
      for (const each of targets) known.set(each.id, each);
      for (const each of targets.slice(1)) {
        const [a, b] = [known.get(root(targets[0]!.id))!, known.get(root(each.id))!];
        if (a.id === b.id) continue;
        if (compareTargets(a, b) < 0) above.set(b.id, a.id);
        else above.set(a.id, b.id);
      }
    },
    lowest: (id) => known.get(root(id))!,
  };
}
