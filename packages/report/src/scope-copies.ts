/** Joins what a report knows of its virtual addresses with what earlier reports knew (scope-aliases.ts). */
import type { RawReport } from "./raw-report.ts";
import { compareTargets, type ScopeAliases } from "./scope-aliases.ts";
import { ENDPOINT_BIT, type EndpointTable } from "./scope-endpoints.ts";
import { type ScopeGraph, target } from "./scope-graph.ts";
import type { EndpointIds } from "./scope-ids.ts";

const PAIR_BASE = 2 ** 32;

/**
 * Notes what virtual endpoints lead to now and sets each one's `copyOf` by all that is remembered. The result has the
 * ids of real endpoints that are not in this report. A virtual endpoint that had several real ones lately keeps only what they share.
 */
export function rememberCopies(
  { endpoints, virtualPairs }: ScopeGraph,
  { window }: RawReport,
  ids: EndpointIds,
  aliases: ScopeAliases,
): ReadonlyMap<number, string> {
  const elsewhere = new Map<number, string>();
  const virtuals = new Map<number, string>();
  for (const pair of virtualPairs) {
    const virtual = Math.floor(pair / PAIR_BASE);
    const real = pair % PAIR_BASE;
    if (!virtuals.has(virtual)) virtuals.set(virtual, ids.text(virtual));
    // A copy: the table belongs to this report only.
    const words = endpoints.addresses.slice(real * 4, real * 4 + 4);
    const local = (endpoints.bits[real]! & ENDPOINT_BIT.local) !== 0;
    aliases.observe(
      virtuals.get(virtual)!,
      { ...target(endpoints, real), words, id: ids.text(real), local },
      window.endMs,
    );
  }
  for (const [virtual, id] of virtuals) {
    const targets = aliases.targets(id, window.endMs);
    const lowest = targets[0];
    if (lowest === undefined) continue;
    if (targets.length > 1)
      keepShared(
        endpoints,
        virtual,
        targets.every(({ local }) => local),
      );
    if (compareTargets(lowest, target(endpoints, endpoints.copyOf[virtual]!)) !== 0) elsewhere.set(virtual, lowest.id);
  }
  return elsewhere;
}

function keepShared({ bits, owner, names }: EndpointTable, virtual: number, local: boolean): void {
  owner[virtual] = 0;
  names[virtual] = 0;
  if (!local) bits[virtual]! &= ~ENDPOINT_BIT.local;
}
