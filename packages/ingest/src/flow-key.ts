/**
 * The key of a flow: network namespace, zone, protocol, original tuple. The same tuple may exist in every namespace and zone at
 * once (F37), and both ends belong to it: translated flows share one of them.
 */
import { FLOW, kindProtocol } from "@conntrail/model";

/** Hashes the key of the row at word `at` of `words` to 32 bits (signed). `seed` keeps those who choose addresses and ports from choosing collisions. */
export function hashFlow(words: Uint32Array, at: number, seed: number): number {
  const source = at + FLOW.originalSource;
  const destination = at + FLOW.originalDestination;
  // The words that tell IPv4 flows apart first; of IPv6 addresses every word counts.
  const protocol = kindProtocol(words[at + FLOW.kind]!);
  let h = seed ^ words[at + FLOW.netns]! ^ Math.imul(words[at + FLOW.zone]! + protocol, 0x85ebca6b);
  h = Math.imul(h ^ words[source + 3]!, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ words[destination + 3]!, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ words[at + FLOW.originalPorts]!, 0x27d4eb2f);
  if (words[source]! !== 0 || words[destination]! !== 0) {
    h = Math.imul(h ^ (h >>> 15) ^ words[source]!, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13) ^ words[source + 1]!, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 15) ^ words[source + 2]!, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 13) ^ words[destination]!, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15) ^ words[destination + 1]!, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 13) ^ words[destination + 2]!, 0x27d4eb2f);
  }
  h = Math.imul(h ^ (h >>> 16), 0x165667b1);
  return h ^ (h >>> 15);
}

/** True when the row at word `at` of `page` has the key of `row`. The words that differ most often are compared first. */
export function sameKey(page: Uint32Array, at: number, row: Uint32Array): boolean {
  return (
    page[at + FLOW.originalPorts] === row[FLOW.originalPorts] &&
    page[at + FLOW.originalSource + 3] === row[FLOW.originalSource + 3] &&
    page[at + FLOW.originalDestination + 3] === row[FLOW.originalDestination + 3] &&
    page[at + FLOW.netns] === row[FLOW.netns] &&
    page[at + FLOW.zone] === row[FLOW.zone] &&
    ((page[at + FLOW.kind]! ^ row[FLOW.kind]!) & 0xff) === 0 &&
    page[at + FLOW.originalSource] === row[FLOW.originalSource] &&
    page[at + FLOW.originalSource + 1] === row[FLOW.originalSource + 1] &&
    page[at + FLOW.originalSource + 2] === row[FLOW.originalSource + 2] &&
    page[at + FLOW.originalDestination] === row[FLOW.originalDestination] &&
    page[at + FLOW.originalDestination + 1] === row[FLOW.originalDestination + 1] &&
    page[at + FLOW.originalDestination + 2] === row[FLOW.originalDestination + 2]
  );
}
