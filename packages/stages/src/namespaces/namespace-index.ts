/** Which network namespace has which address, from the facts of the latest socket table. */
import { ADDRESS_WORDS, isLoopback, type NamespaceFacts, sameAddress } from "@conntrail/model";
import {
  addEntry,
  createHashIndex,
  entryValue,
  firstEntry,
  type HashIndex,
  nextEntry,
  resetHashIndex,
} from "../rows/hash-index.ts";
import { addressHash } from "../rows/tuple-hash.ts";

/** The index. Entry `i` is the address at `words[4i]` in namespace `netns[i]`. */
export interface NamespaceIndex {
  readonly facts: Map<number, NamespaceFacts>;
  readonly index: HashIndex;
  words: Uint32Array;
  netns: Float64Array;
}

/** What `holderOf` says when it is not one namespace. */
export const HOLDER = { none: 0, several: -1 } as const;

/** The kernel's default range of ephemeral ports (ip(7), ip_local_port_range). */
const DEFAULT_EPHEMERAL = { low: 32768, high: 60999 } as const;

/** An index of no namespaces. */
export function createNamespaceIndex(): NamespaceIndex {
  return { facts: new Map(), index: createHashIndex(0), words: new Uint32Array(0), netns: new Float64Array(0) };
}

/** Replaces what is known. */
export function loadNamespaces(namespaces: NamespaceIndex, facts: readonly NamespaceFacts[]): void {
  namespaces.facts.clear();
  const total = facts.reduce((sum, { addresses }) => sum + addresses.length / ADDRESS_WORDS, 0);
  namespaces.words = new Uint32Array(total * ADDRESS_WORDS);
  namespaces.netns = new Float64Array(total);
  resetHashIndex(namespaces.index, total);
  let entry = 0;
  for (const fact of facts) {
    namespaces.facts.set(fact.netns, fact);
    namespaces.words.set(fact.addresses, entry * ADDRESS_WORDS);
    for (let at = 0; at < fact.addresses.length; at += ADDRESS_WORDS) {
      namespaces.netns[entry] = fact.netns;
      addEntry(namespaces.index, addressHash(fact.addresses, at), entry++);
    }
  }
}

/**
 * The namespace that has the address, as seen from `netns`: that one itself when it has it or the address is loopback, else
 * the only other one; HOLDER.several or HOLDER.none when it is not one.
 */
export function holderOf(namespaces: NamespaceIndex, netns: number, words: Uint32Array, offset: number): number {
  if (isLoopback(words, offset)) return netns;
  const { index } = namespaces;
  const hash = addressHash(words, offset);
  let holder: number = HOLDER.none;
  for (let at = firstEntry(index, hash); at >= 0; at = nextEntry(index, hash, at)) {
    const entry = entryValue(index, at);
    if (!sameAddress(namespaces.words, entry * ADDRESS_WORDS, words, offset)) continue;
    const candidate = namespaces.netns[entry]!;
    if (candidate === netns) return netns;
    if (holder === HOLDER.none) holder = candidate;
    else if (holder !== candidate) holder = HOLDER.several;
  }
  return holder;
}

/** True when the port is one that the namespace hands out to clients by itself. */
export function isEphemeral(namespaces: NamespaceIndex, netns: number, port: number): boolean {
  const { low, high } = namespaces.facts.get(netns)?.ephemeral ?? DEFAULT_EPHEMERAL;
  return port >= low && port <= high;
}
